/**
 * Chunks on a real disk, synced before they count as stored: does a node wait for its disk or for the network? One at a
 * time shows the latency of a sync, eight at a time what the disk can take.
 */
import { mkdir, mkdtemp, rm, statfs } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { never, systemClock, systemRandom } from '../../src/base/index.ts'
import { backend } from '../../src/crypto/index.ts'
import { type ChunkAddress, chunkAddressOf } from '../../src/protocol/index.ts'
import { type ChunkStore, createFileChunkStore } from '../../src/storage/index.ts'
import { sizeText } from '../format.ts'
import { noise } from '../inputs.ts'
import { type Row, rowOf } from '../measure.ts'
import { benchFile, type Context } from '../shelf.ts'

const CHUNK = 4 * 1024 * 1024
/** f_type of tmpfs (statfs(2)). */
const TMPFS = 0x01021994

interface State {
  readonly context: Context
  readonly folder: string
  readonly store: ChunkStore
}

export default benchFile<State>({
  steps: ({ level }) => {
    const sizes = level === 'smoke' ? [4096] : [4096, CHUNK]
    return sizes.flatMap((size) =>
      [1, 8].map((inFlight) => ({
        id: `store ${sizeText(size)}, ${inFlight} at a time`,
        run: (state: State) => putAndGet(state, size, inFlight),
      })),
    )
  },
  setup: async (context) => {
    const folder = await diskFolder()
    const store = createFileChunkStore(folder, { clock: systemClock, random: systemRandom })
    await store.start(never)
    return { context, folder, store }
  },
  teardown: async ({ folder, store }) => {
    await store.stop()
    await rm(folder, { recursive: true, force: true })
  },
})

async function putAndGet({ context, store }: State, size: number, inFlight: number): Promise<Row> {
  const bytes = context.level === 'full' ? 256 * 2 ** 20 : 64 * 2 ** 20
  const count = context.level === 'smoke' ? 8 : Math.min(400, Math.ceil(bytes / size))
  const put: number[] = []
  const get: number[] = []
  for (let round = 0; round <= context.effort.rounds; round++) {
    const chunks = Array.from({ length: count }, () => {
      const content = noise(size)
      return { content, address: chunkAddressOf(backend().blake3(content)) }
    })
    const written = await seconds(chunks, inFlight, ({ address, content }) => store.put(address, content))
    const read = await seconds(chunks, inFlight, ({ address }) => store.get(address))
    for (const { address } of chunks) await store.delete(address)
    // The first one makes folders and warms the code.
    if (round === 0) continue
    put.push(count / written)
    get.push(count / read)
  }
  return rowOf(`store ${sizeText(size)}, ${inFlight} at a time`, '/s', [
    ['put', put],
    ['get', get],
  ])
}

async function seconds<T extends { address: ChunkAddress }>(
  items: readonly T[],
  lanes: number,
  work: (item: T) => Promise<unknown>,
): Promise<number> {
  const began = performance.now()
  let next = 0
  const lane = async () => {
    for (let item = items[next++]; item; item = items[next++]) await work(item)
  }
  await Promise.all(Array.from({ length: lanes }, lane))
  return (performance.now() - began) / 1000
}

/** Memory that calls itself a folder would flatter: then the disk of the repository is used. */
async function diskFolder(): Promise<string> {
  const { type } = await statfs(tmpdir())
  if (type !== TMPFS) return mkdtemp(join(tmpdir(), 'myrmex-bench-'))
  const own = join(import.meta.dirname, '../../.tmp')
  await mkdir(own, { recursive: true })
  return mkdtemp(join(own, 'bench-'))
}
