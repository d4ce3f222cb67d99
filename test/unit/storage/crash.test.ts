import assert from 'node:assert/strict'
import { basename } from 'node:path'
import { describe, test } from 'node:test'
import { blake3 } from '@noble/hashes/blake3.js'
import { type Bytes, messageOf, never, seededRandom, toHex } from '../../../src/base/index.ts'
import { type ChunkAddress, chunkAddressOf } from '../../../src/protocol/index.ts'
import { SimClock } from '../../../src/sim/index.ts'
import { type ChunkStore, createFileChunkStore } from '../../../src/storage/index.ts'
import { type Aftermath, type DiskFaults, ModelledDisk } from './modelled-disk.ts'

const CHUNKS = Array.from({ length: 4 }, (_, i) => {
  const content: Bytes = seededRandom(900 + i).bytes(700 + 900 * i)
  return { address: chunkAddressOf(blake3(content)), content }
}) as [Chunk, Chunk, Chunk, Chunk]
interface Chunk {
  readonly address: ChunkAddress
  readonly content: Bytes
}
const [FIRST, SECOND, DAMAGED, REMOVED] = CHUNKS
const fileOf = (address: ChunkAddress) => `/node/chunks/${address.slice(-2)}/${address}`

function newStore(disk: ModelledDisk, seed: number): ChunkStore {
  const hash = (content: Uint8Array) => blake3(content) as Bytes
  return createFileChunkStore('/node', { clock: new SimClock(), random: seededRandom(seed), fileSystem: disk, hash })
}

/** A disk with one good chunk to be removed and one whose bytes are wrong. */
async function usedDisk(): Promise<ModelledDisk> {
  const disk = new ModelledDisk()
  disk.plant(fileOf(REMOVED.address), REMOVED.content)
  disk.plant(fileOf(DAMAGED.address), new Uint8Array(50))
  return disk
}

/** Opens, puts two, mends one, deletes one; what was confirmed before the power went. */
async function work(disk: ModelledDisk): Promise<Set<ChunkAddress>> {
  const confirmed = new Set<ChunkAddress>()
  const store = newStore(disk, 1)
  try {
    await store.start(never)
    for (const { address, content } of [FIRST, SECOND, DAMAGED]) {
      await store.put(address, content)
      confirmed.add(address)
    }
    await store.delete(REMOVED.address)
  } catch {
    // The crash, as the error of whatever ran.
  }
  return confirmed
}

/** What is wrong after the reboot; empty when all promises were kept. */
async function faultsAfter(disk: ModelledDisk, confirmed: ReadonlySet<ChunkAddress>): Promise<string[]> {
  const found: string[] = []
  const store = newStore(disk, 2)
  try {
    await store.start(never)
  } catch (error) {
    return [`does not open: ${messageOf(error)}`]
  }
  for (const [path, bytes] of disk.files()) {
    const name = basename(path)
    if (name.startsWith('.tmp.')) found.push(`temp file ${path} stayed`)
    const untouched = name === DAMAGED.address && bytes.length === 50
    if (name.length === 64 && toHex(blake3(bytes)) !== name && !untouched) found.push(`${path} is not whole`)
  }
  for (const { address, content } of CHUNKS) {
    const bytes = await store.get(address).catch(() => undefined)
    if (confirmed.has(address) && toHex(bytes ?? new Uint8Array()) !== toHex(content)) found.push(`lost ${address}`)
  }
  for (const { address, content } of CHUNKS) await store.put(address, content)
  for (const { address, content } of CHUNKS) assert.deepEqual(await store.get(address), content)
  await store.stop()
  return found
}

async function crash(crashAt: number, aftermath: Aftermath, seed: number, faults: DiskFaults = {}): Promise<string[]> {
  const disk = await usedDisk()
  disk.fail({ ...faults, crashAt })
  const confirmed = await work(disk)
  disk.reboot(aftermath, seededRandom(seed))
  return faultsAfter(disk, confirmed)
}

async function stepsOfWork(): Promise<string[]> {
  const disk = await usedDisk()
  disk.fail({})
  const confirmed = await work(disk)
  assert.equal(confirmed.size, 3)
  return disk.steps
}

describe('a crash at any step of opening, putting, mending and deleting', async () => {
  const steps = await stepsOfWork()

  test('the steps of a put are those of the specification', () => {
    const shard = `/node/chunks/${FIRST.address.slice(-2)}`
    const from = steps.indexOf(`makeDirectory ${shard}`)
    const temp = /create (\S+)/.exec(steps[from + 2] as string)?.[1] as string
    assert.match(basename(temp), /^\.tmp\.4242\.[0-9a-f]{8}\.\d+$/)
    assert.deepEqual(steps.slice(from, from + 9), [
      `makeDirectory ${shard}`,
      'syncDirectory /node/chunks',
      `create ${temp}`,
      `write half ${temp}`,
      `write rest ${temp}`,
      `sync ${temp}`,
      `close ${temp}`,
      `rename ${temp} ${fileOf(FIRST.address)}`,
      `syncDirectory ${shard}`,
    ])
  })

  for (const aftermath of ['everything', 'flushed'] as const) {
    test(`no promise is broken, ${aftermath} survives`, async () => {
      for (let at = 0; at <= steps.length; at++) {
        assert.deepEqual(await crash(at, aftermath, 1), [], `before step ${at}: ${steps[at]}`)
      }
    })
  }

  test('no promise is broken, a mixture survives', async () => {
    for (let seed = 0; seed < 20; seed++) {
      for (let at = 0; at <= steps.length; at++) {
        assert.deepEqual(await crash(at, 'mixture', seed), [], `seed ${seed}, before step ${at}: ${steps[at]}`)
      }
    }
  })

  for (const lies of ['file', 'directory'] as const) {
    test(`a disk that does not flush a ${lies} is caught, so this suite can fail`, async () => {
      const found: string[] = []
      for (let at = 0; at <= steps.length; at++) found.push(...(await crash(at, 'flushed', 1, { lies })))
      assert.ok(found.length > 0)
    })
  }
})
