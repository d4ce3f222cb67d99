/**
 * A process that changes a paid list until it is killed, for paid-list-kill.test.ts. Prints `open`, then `+address` and
 * `-address` once a change has resolved. Arguments: folder, seed.
 */
import { never, type Random, randomBelow, seededRandom } from '../../src/base/index.ts'
import { type ChunkAddress, chunkAddressOf } from '../../src/protocol/index.ts'
import { createLmdbPaidList } from '../../src/storage/index.ts'

const [folder = '', seed = '0'] = process.argv.slice(2)
const WRITERS = 4

const list = createLmdbPaidList(folder)
await list.start(never)
process.stdout.write('open\n')
// Ends with the parent, whatever happens to it.
process.stdin.on('end', () => process.exit()).resume()
await Promise.all(Array.from({ length: WRITERS }, (_, i) => write(seededRandom(Number(seed) + i))))

async function write(random: Random): Promise<void> {
  const own: ChunkAddress[] = []
  for (;;) {
    if (own.length < 3 || randomBelow(random, 3) > 0) {
      const address = chunkAddressOf(random.bytes(32))
      await list.insert(address)
      own.push(address)
      process.stdout.write(`+${address}\n`)
    } else {
      const some = own.splice(randomBelow(random, own.length), 1 + randomBelow(random, 2))
      // Told before too: between the two lines it may be there or not.
      process.stdout.write(some.map((address) => `?${address}\n`).join(''))
      await list.removeBatch(some)
      process.stdout.write(some.map((address) => `-${address}\n`).join(''))
    }
  }
}
