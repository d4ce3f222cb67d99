/**
 * Every point of a history of writes at which the power may go: the disk is made as a crash there leaves it, in several
 * ways, and the real store is opened on it. Nothing confirmed is missing, nothing partial is served.
 */
import assert from 'node:assert/strict'
import { basename } from 'node:path'
import { test } from 'node:test'
import { type Bytes, messageOf, never, type Random, randomBelow, seededRandom, toHex } from '../../../src/base/index.ts'
import { backend } from '../../../src/crypto/index.ts'
import { type ChunkAddress, chunkAddressOf } from '../../../src/protocol/index.ts'
import { type Aftermath, type DiskFaults, type DiskOperation, SimClock, SimDisk } from '../../../src/sim/index.ts'
import { type ChunkStore, createFileChunkStore } from '../../../src/storage/index.ts'

const seed = Number(process.env['MYRMEX_TEST_SEED'] ?? 20_262)
const MIXTURES = 10
const ROOT = '/node'

interface Chunk {
  readonly address: ChunkAddress
  readonly content: Bytes
}

const hash = (content: Uint8Array) => backend().blake3(content)
const fileOf = (address: ChunkAddress) => `${ROOT}/chunks/${address.slice(-2)}/${address}`

function chunk(n: number, length = 300 + 700 * (n % 5)): Chunk {
  const content: Bytes = seededRandom(900 + n).bytes(length)
  return { address: chunkAddressOf(hash(content)), content }
}

const PUT = Array.from({ length: 12 }, (_, n) => chunk(n))
const [EMPTY, BIG] = [chunk(50, 0), chunk(51, 70_000)]
/** Wrong bytes lie there from the beginning: one is mended by a put, one removed by a get. */
const [MENDED, WRONG] = [chunk(60), chunk(61)]
const ALL = [...PUT, EMPTY, BIG, MENDED, WRONG]

function newStore(disk: SimDisk, storeSeed: number): ChunkStore {
  return createFileChunkStore(ROOT, { clock: new SimClock(), random: seededRandom(storeSeed), fileSystem: disk, hash })
}

/** What stands, from which operation of the history on. */
interface Promised {
  readonly from: number
  readonly address: ChunkAddress
  readonly kept: boolean
}

class Workload {
  readonly disk = new SimDisk({ record: true })
  readonly promises: Promised[] = []
  readonly #dice: Random
  #store: ChunkStore | undefined

  /** `used`: the folder was there before, and holds what was wrong then. */
  constructor(dice: Random, used: boolean) {
    this.#dice = dice
    if (!used) return
    this.disk.plant(fileOf(MENDED.address), new Uint8Array(50))
    this.disk.plant(fileOf(WRONG.address), new Uint8Array(60))
  }

  /** Puts alone and at once, duplicates, mending, removal by hand and of what rotted, a restart in the middle. */
  async run(): Promise<void> {
    await this.#open(1)
    await this.#put(PUT.slice(0, 3))
    await this.#put([EMPTY, BIG])
    await this.#put([MENDED])
    await this.#store?.get(WRONG.address).catch(() => undefined)
    await this.#put([PUT[1] as Chunk])
    await this.#delete(PUT[0] as Chunk)
    await this.#rot(PUT[2] as Chunk)
    await this.#put(PUT.slice(3, 8))
    await this.#rot(BIG)
    await this.#put([BIG])
    await this.#store?.stop()
    await this.#open(2)
    await this.#put([PUT[0] as Chunk, WRONG])
    // One shard, many at once.
    await Promise.all([this.#put(PUT.slice(8)), this.#delete(PUT[4] as Chunk), this.#put([PUT[5] as Chunk])])
    await this.#put([PUT[4] as Chunk])
    await this.#store?.stop()
  }

  async #open(storeSeed: number): Promise<void> {
    this.#store = newStore(this.disk, storeSeed)
    await this.#store.start(never)
  }
  #promise(address: ChunkAddress, kept: boolean): void {
    this.promises.push({ from: this.disk.history.length, address, kept })
  }
  async #put(chunks: readonly Chunk[]): Promise<void> {
    await Promise.all(
      chunks.map(async ({ address, content }) => {
        await this.#store?.put(address, content)
        this.#promise(address, true)
      }),
    )
  }
  async #delete({ address }: Chunk): Promise<void> {
    this.#promise(address, false)
    await this.#store?.delete(address)
  }
  async #rot({ address }: Chunk): Promise<void> {
    this.#promise(address, false)
    this.disk.rot(fileOf(address), this.#dice)
    await this.#store?.get(address).catch(() => undefined)
  }

  keptAt(point: number): Set<ChunkAddress> {
    const kept = new Set<ChunkAddress>()
    for (const { from, address, kept: now } of this.promises) {
      if (from > point) break
      if (now) kept.add(address)
      else kept.delete(address)
    }
    return kept
  }
}

/** What is wrong after the power came back; empty when all promises were kept. */
async function faultsOn(
  disk: SimDisk,
  kept: ReadonlySet<ChunkAddress>,
  damaged: ReadonlySet<string>,
): Promise<string[]> {
  const store = newStore(disk, 3)
  try {
    await store.start(never)
  } catch (error) {
    return [`does not open: ${messageOf(error)}`]
  }
  const found: string[] = []
  for (const [path, bytes] of disk.files()) {
    const name = basename(path)
    if (name.startsWith('.tmp.')) found.push(`temp file ${path} stayed`)
    // Bytes that rotted, or were wrong from the beginning, are no doing of the store.
    if (name.length === 64 && toHex(hash(bytes)) !== name && !damaged.has(name)) found.push(`${path} is not whole`)
  }
  for (const address of kept) if (!store.has(address)) found.push(`${address} is not listed`)
  for (const { address, content } of ALL) {
    const bytes = await store.get(address).catch(() => undefined)
    if (bytes && toHex(bytes) !== toHex(content)) found.push(`wrong bytes are served for ${address}`)
    if (!bytes && kept.has(address)) found.push(`lost ${address}`)
  }
  for (const { address, content } of ALL) await store.put(address, content)
  for (const { address, content } of ALL) {
    if (toHex((await store.get(address)) ?? new Uint8Array()) !== toHex(content)) found.push(`${address} cannot be put`)
  }
  await store.stop()
  return found
}

const AFTERMATHS: readonly (readonly [Aftermath, number])[] = [
  ['everything', 0],
  ['flushed', 0],
  ...Array.from({ length: MIXTURES }, (_, i) => ['mixture', i] as const),
]

async function workload(used = true): Promise<Workload> {
  const work = new Workload(seededRandom(seed), used)
  await work.run()
  return work
}

const DAMAGED = new Set<string>([MENDED.address, WRONG.address, PUT[2]?.address ?? '', BIG.address])

for (const folder of ['used', 'new'] as const) {
  test(`no promise is broken by a crash at any change of the disk, in a ${folder} folder`, () => everyPoint(folder))
}

async function everyPoint(folder: 'used' | 'new'): Promise<void> {
  const work = await workload(folder === 'used')
  const { history } = work.disk
  let images = 0
  for (let point = 0; point <= history.length; point++) {
    const kept = work.keptAt(point)
    for (const [aftermath, n] of AFTERMATHS) {
      const disk = SimDisk.imageAt(history, point, aftermath, seededRandom(seed + 1000 * point + n))
      const found = await faultsOn(disk, kept, DAMAGED)
      assert.deepEqual(found, [], `seed ${seed}, ${aftermath} ${n}, after change ${point}: ${told(history[point - 1])}`)
      images++
    }
  }
  console.log(`seed ${seed}, ${folder} folder: ${history.length} write points, ${images} images, 0 losses`)
  assert.ok(history.length > 150, `only ${history.length} changes: the workload did not bite`)
}

test('no promise is broken by a second crash while the store opens after the first', async () => {
  const work = await workload()
  const { history } = work.disk
  const dice = seededRandom(seed ^ 0x2c)
  let images = 0
  for (let round = 0; round < 120; round++) {
    const point = randomBelow(dice, history.length + 1)
    const first = SimDisk.imageAt(history, point, 'mixture', dice)
    const before = [...first.files()]
    await newStore(first, 4).start(never)
    for (let second = 0; second <= first.history.length; second++) {
      const disk = new SimDisk()
      for (const [path, bytes] of before) disk.plant(path, bytes)
      disk.fail({ powerLostAfter: second })
      await newStore(disk, 4)
        .start(never)
        .catch(() => undefined)
      disk.crash('mixture', dice)
      const found = await faultsOn(disk, work.keptAt(point), DAMAGED)
      assert.deepEqual(found, [], `seed ${seed}, round ${round}, point ${point}, second ${second}`)
      images++
    }
  }
  console.log(`seed ${seed}: ${images} images of a second crash, 0 losses`)
})

test('the steps of a put are those of the specification', async () => {
  const disk = new SimDisk({ record: true })
  const store = newStore(disk, 1)
  await store.start(never)
  const from = disk.history.length
  const { address, content } = PUT[1] as Chunk
  await store.put(address, content)
  const steps = disk.history.slice(from).map(told)
  const temp = /create (\S+)/.exec(steps.join('\n'))?.[1] as string
  assert.match(basename(temp), /^\.tmp\.4242\.[0-9a-f]{8}\.\d+$/)
  const shard = `${ROOT}/chunks/${address.slice(-2)}`
  assert.deepEqual(steps, [
    `makeDirectory ${shard}`,
    `syncDirectory ${ROOT}/chunks`,
    `create ${temp}`,
    'write',
    'write',
    'sync',
    `rename ${temp} ${fileOf(address)}`,
    `syncDirectory ${shard}`,
  ])
})

for (const lies of ['files', 'directories'] as const satisfies readonly DiskFaults['lies'][]) {
  test(`a disk that does not flush ${lies} is caught, so this suite can fail`, async () => {
    const work = new Workload(seededRandom(seed), true)
    work.disk.fail({ lies })
    await work.run()
    const { history } = work.disk
    const found: string[] = []
    for (let point = 0; point <= history.length; point += 5) {
      const disk = SimDisk.imageAt(history, point, 'flushed', seededRandom(seed))
      found.push(...(await faultsOn(disk, work.keptAt(point), DAMAGED)))
    }
    assert.ok(found.length > 0)
  })
}

function told(operation: DiskOperation | undefined): string {
  if (!operation) return 'nothing'
  if (operation.kind === 'rename') return `rename ${operation.from} ${operation.to}`
  return 'path' in operation ? `${operation.kind} ${operation.path}` : operation.kind
}
