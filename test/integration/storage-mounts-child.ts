/**
 * A store on mounts that come, go, turn read-only and fill up, for storage-mounts.test.ts; runs in a mount namespace of
 * its own. Prints one JSON line of what happened. Arguments: an empty folder.
 */
import { execFileSync } from 'node:child_process'
import { closeSync, mkdirSync, openSync, readdirSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { codeOf, createLogger, never, seededRandom, systemClock } from '../../src/base/index.ts'
import { backend } from '../../src/crypto/index.ts'
import { chunkAddressOf } from '../../src/protocol/index.ts'
import { createFileChunkStore, createLmdbPaidList } from '../../src/storage/index.ts'

const [folder = ''] = process.argv.slice(2)
const [disk, mount] = [join(folder, 'disk'), join(folder, 'mount')]
const run = (program: string, ...args: string[]) =>
  execFileSync(program, args, { stdio: ['ignore', 'ignore', 'inherit'] })
const said: string[] = []
let recovered = Promise.withResolvers<void>()
const log = createLogger({
  clock: systemClock,
  level: 'info',
  sink: ({ message }) => {
    said.push(message)
    if (message !== 'the disk takes chunks again') return
    recovered.resolve()
    recovered = Promise.withResolvers()
  },
})
const random = seededRandom(1)
const chunk = (length = 5000) => {
  const content = random.bytes(length)
  return { content, address: chunkAddressOf(backend().blake3(content)) }
}
const result: Record<string, unknown> = {}

for (const path of [disk, mount]) mkdirSync(path)
run('mount', '--bind', disk, mount)
const deps = { clock: systemClock, random, log }
const store = createFileChunkStore(join(mount, 'node'), deps, { probeMs: 50, probeMaxMs: 200 })
await store.start(never)
const held = chunk()
const put = ({ address, content } = chunk()) => store.put(address, content).catch(codeOf)
const get = () => store.get(held.address).then((bytes) => bytes?.length, codeOf)
await put(held)

run('umount', '--lazy', mount)
result['away'] = [await get(), await put(), store.disk]
run('mount', '--bind', disk, mount)
await recovered.promise
result['back'] = [await get(), await put(), store.disk]

run('umount', '--lazy', mount)
result['emptyMountPoint'] = readdirSync(mount)
run('mount', '--bind', disk, mount)
run('mount', '-o', 'remount,ro,bind', mount)
await put()
result['readOnly'] = [await get(), await put(), store.disk]
run('mount', '-o', 'remount,rw,bind', mount)
await recovered.promise
result['writable'] = [await get(), await put(), store.disk]
await store.stop()

// A small disk whose free space is not asked often enough.
run('mount', '-t', 'tmpfs', '-o', 'size=256k', 'tmpfs', mount)
const options = { reserveBytes: 0, freeSpaceMaxAgeMs: 3_600_000 }
const small = createFileChunkStore(join(mount, 'node'), deps, options)
await small.start(never)
const list = createLmdbPaidList(mount)
await list.start(never)
const first = chunk(100_000)
await small.put(first.address, first.content)
let paid = 0
const failure = await (async () => {
  for (; paid < 5000; paid++) await list.insert(chunkAddressOf(random.bytes(32)))
})().catch(codeOf)
const next = chunk(50_000)
result['full'] = [
  await small.put(next.address, next.content).catch(codeOf),
  small.disk,
  failure,
  list.state,
  list.size === paid,
]
await small.delete(first.address)
result['freed'] = [await list.insert(chunkAddressOf(random.bytes(32))), list.state, list.size === paid + 1]
await list.stop()
await small.stop()

// A restart on a disk without a free block, and on one that is read-only.
run('mount', '-t', 'tmpfs', '-o', 'size=256k', 'tmpfs', mount)
const again = createFileChunkStore(join(mount, 'node'), deps, options)
const started = () => again.start(never).then(() => again.get(held.address), codeOf)
await again.start(never)
await again.put(held.address, held.content)
await again.stop()
const filler = openSync(join(mount, 'filler'), 'w')
const full = (() => {
  try {
    for (;;) writeSync(filler, new Uint8Array(4096))
  } catch (error) {
    return codeOf(error)
  }
})()
closeSync(filler)
result['startedFull'] = []
for (let i = 0; i < 2; i++) {
  const found = await started()
  ;(result['startedFull'] as unknown[]).push([full, typeof found === 'object' ? found.length : found])
  await again.stop()
}
run('mount', '-o', 'remount,ro', mount)
result['startedReadOnly'] = await started()
result['said'] = said
process.stdout.write(`${JSON.stringify(result)}\n`)
