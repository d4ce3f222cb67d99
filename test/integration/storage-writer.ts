/**
 * A process that writes chunks until it is killed, for storage-kill.test.ts and storage-lock.test.ts. Prints `open`
 * when the store is open, then each address once its put has resolved. Arguments: folder, seed, `idle` to write nothing.
 */
import { blake3 } from '@noble/hashes/blake3.js'
import { type Bytes, never, type Random, randomBelow, seededRandom, systemClock } from '../../src/base/index.ts'
import { chunkAddressOf } from '../../src/protocol/index.ts'
import { createFileChunkStore } from '../../src/storage/index.ts'

const [folder = '', seed = '0', mode] = process.argv.slice(2)
const WRITERS = 4
const SIZES = [0, 1, 4096, 20_000, 100_000] as const

const random = seededRandom(Number(seed))
const store = createFileChunkStore(folder, {
  clock: systemClock,
  random,
  hash: (content) => blake3(content) as Bytes,
})
await store.start(never)
process.stdout.write('open\n')
// Ends with the parent, whatever happens to it.
process.stdin.on('end', () => process.exit()).resume()
if (mode !== 'idle') await Promise.all(Array.from({ length: WRITERS }, (_, i) => write(seededRandom(Number(seed) + i))))

async function write(random: Random): Promise<void> {
  for (;;) {
    const content = random.bytes(SIZES[randomBelow(random, SIZES.length)] as number)
    const address = chunkAddressOf(blake3(content))
    await store.put(address, content)
    process.stdout.write(`${address}\n`)
    // Sometimes the same once more: a duplicate reads the file back while others write.
    if (randomBelow(random, 4) === 0) await store.put(address, content)
  }
}
