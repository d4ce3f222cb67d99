/** Errors of the disk under the paid list: whatever failed, the list works again when the disk does, without a restart. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { never, toHex } from '../../../src/base/index.ts'
import { type ChunkAddress, chunkAddressOf, KEY_BYTES } from '../../../src/protocol/index.ts'
import { createLmdbPaidList, type PaidList, StorageError } from '../../../src/storage/index.ts'
import type { KeySet } from '../../../src/storage/key-set.ts'
import { tempFolder } from '../../support/temp.ts'

const [EIO, ENOSPC] = [5, 28]
/** As the addon says it: native/keys/src/c_abi.rs. */
const [MAP_FULL, OPEN] = [-1, -3]

type Step = 'open' | 'count' | 'has' | 'change'

/** The files of an environment, with errors on command; like LMDB it is open once at most in a process. */
class Disk {
  readonly keys = new Set<string>()
  /** A commit that broke it makes an environment refuse everything. */
  breaks = true
  #open = 0
  #opened = 0
  readonly #failing = new Map<Step, number>()

  get opened(): number {
    return this.#opened
  }
  /** From now on; the steps that are not named work. */
  fail(...failing: [Step, number][]): void {
    this.#failing.clear()
    for (const [step, status] of failing) this.#failing.set(step, status)
  }
  check(step: Step): void {
    const status = this.#failing.get(step)
    if (status !== undefined) throw statusError(status)
  }

  /** What the list takes for the addon's class. */
  keySet() {
    const disk = this
    return class FakeKeySet implements KeySet {
      #broken = false
      #closed = false

      constructor(_path: Uint8Array, _mapBytes: number) {
        if (disk.#open > 0) throw statusError(OPEN)
        disk.check('open')
        disk.#open++
        disk.#opened++
      }
      has(key: Uint8Array): boolean {
        this.#check('has')
        return disk.keys.has(toHex(key))
      }
      count(): number {
        this.#check('count')
        return disk.keys.size
      }
      page(): number {
        this.#check('has')
        return 0
      }
      insert(keys: Uint8Array): Promise<Uint8Array> {
        return this.#change(keys, (key) => disk.keys.size < disk.keys.add(key).size)
      }
      remove(keys: Uint8Array): Promise<Uint8Array> {
        return this.#change(keys, (key) => disk.keys.delete(key))
      }
      close(): void {
        if (!this.#closed) disk.#open--
        this.#closed = true
      }

      #check(step: Step): void {
        assert.ok(!this.#closed, 'used after it was closed')
        if (this.#broken) throw statusError(EIO)
        disk.check(step)
      }
      async #change(keys: Uint8Array, change: (key: string) => boolean): Promise<Uint8Array> {
        try {
          this.#check('change')
        } catch (error) {
          this.#broken = disk.breaks
          throw error
        }
        const places = Array.from({ length: keys.length / KEY_BYTES }, (_, i) => i * KEY_BYTES)
        return Uint8Array.from(places, (place) => Number(change(toHex(keys.subarray(place, place + KEY_BYTES)))))
      }
    }
  }
}

function statusError(status: number): Error {
  return Object.assign(new Error(`key set status ${status}`), { status })
}

const address = (n: number) => chunkAddressOf(new Uint8Array(KEY_BYTES).fill(n))

const OPERATIONS: readonly (readonly [string, (list: PaidList) => Promise<unknown>, unknown])[] = [
  ['insert', (list) => list.insert(address(99)), true],
  ['removeBatch', (list) => list.removeBatch([address(1)]), 1],
  ['has', async (list) => list.has(address(1)), true],
  ['page', async (list) => list.page(undefined, 5), [] as ChunkAddress[]],
]

async function opened(work: (list: PaidList, disk: Disk) => Promise<void>): Promise<void> {
  await using folder = await tempFolder()
  const disk = new Disk()
  const list = createLmdbPaidList(folder.path, { keySet: disk.keySet() })
  await list.start(never)
  assert.equal(await list.insert(address(1)), true)
  try {
    await work(list, disk)
  } finally {
    await list.stop()
  }
}

const FAULTS: readonly (readonly [string, readonly [Step, number][]])[] = [
  ['changes fail', [['change', EIO]]],
  ['changes find no space', [['change', ENOSPC]]],
  ['reads fail', [['has', EIO]]],
  [
    'changes fail, then the reopening',
    [
      ['change', EIO],
      ['open', EIO],
    ],
  ],
  [
    'changes fail, then the reopening finds no space',
    [
      ['change', EIO],
      ['open', ENOSPC],
    ],
  ],
  [
    'changes fail, then the first look at what was opened',
    [
      ['change', EIO],
      ['count', EIO],
    ],
  ],
]

for (const [name, steps] of FAULTS) {
  for (const breaks of [false, true]) {
    test(`${name}${breaks ? ', and the environment is broken' : ''}: whatever comes first afterwards works`, async () => {
      for (const [operation, call, expected] of OPERATIONS) {
        await opened(async (list, disk) => {
          disk.breaks = breaks
          disk.fail(...steps)
          for (let n = 2; n < 6; n++) await assert.rejects(list.insert(address(n)), StorageError, operation)
          disk.fail()
          assert.deepEqual(await call(list), expected, operation)
          assert.equal(await list.insert(address(50)), true, operation)
          assert.deepEqual([list.state, list.size], ['writable', disk.keys.size], operation)
        })
      }
    })
  }
}

test('a full map is no reason to open the files anew', () =>
  opened(async (list, disk) => {
    disk.breaks = false
    disk.fail(['change', MAP_FULL])
    await assert.rejects(list.insert(address(2)), { code: 'STORAGE_FULL' })
    assert.deepEqual([list.state, list.has(address(1)), disk.opened], ['full', true, 1])
    disk.fail()
    assert.equal(await list.insert(address(2)), true)
    assert.equal(disk.opened, 1)
  }))

test('a read that fails beside a running change leaves its files open', () =>
  opened(async (list, disk) => {
    const running = list.insert(address(2))
    disk.fail(['has', EIO])
    assert.throws(() => list.has(address(1)), { code: 'STORAGE_IO' })
    assert.throws(() => list.has(address(1)), { code: 'STORAGE_IO' })
    disk.fail()
    assert.equal(list.has(address(1)), true)
    assert.equal(await running, true)
    assert.deepEqual([list.size, list.has(address(2))], [2, true])
  }))
