/** The addon's key set called past its TypeScript door: whoever calls, with whatever, gets an error and no crash. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Addon, loadAddon } from '../../src/crypto/index.ts'
import type { KeySetClass } from '../../src/storage/key-set.ts'
import { backendsUnderTest } from '../support/backends.ts'
import { tempFolder } from '../support/temp.ts'

const skip = backendsUnderTest().find(({ name }) => name === 'native')?.skip ?? false
const addon = skip === false ? loadAddon().exports : ({} as Addon['exports'])
const refused = { code: 'CRYPTO_ARGUMENT' }
const bytes = (length: number) => new Uint8Array(length)
const WRONG: readonly unknown[] = [
  undefined,
  null,
  'text',
  7,
  1n,
  {},
  [],
  new Uint16Array(16),
  new DataView(new ArrayBuffer(32)),
]

test('every wrong argument is refused', { skip }, async () => {
  await using folder = await tempFolder()
  const path = new TextEncoder().encode(folder.path)
  const KeySet = addon['KeySet'] as KeySetClass
  for (const wrong of WRONG) assert.throws(() => new KeySet(wrong as never, 1 << 20), refused)
  for (const wrong of [undefined, -1, 1.5, Number.NaN, 2 ** 50, '1']) {
    assert.throws(() => new KeySet(path, wrong as never), refused)
  }
  assert.throws(() => new KeySet(bytes(0), 1 << 20), refused)
  assert.throws(() => new KeySet(new TextEncoder().encode(`${folder.path}/not-there`), 1 << 20), { status: 2 })
  assert.throws(() => (KeySet as unknown as () => void)(), TypeError)
  const set = new KeySet(path, 1 << 20)
  for (const wrong of [...WRONG, bytes(31), bytes(33)]) {
    assert.throws(() => set.has(wrong as never), refused)
    assert.throws(() => set.page(wrong as never, bytes(64)), refused)
    assert.throws(() => set.page(bytes(0), wrong as never), refused)
    assert.throws(() => set.insert(wrong as never), refused)
    assert.throws(() => set.remove(wrong as never), refused)
  }
  const shared = bytes(64)
  assert.throws(() => set.page(shared.subarray(0, 32), shared), refused)
  assert.throws(() => set.insert(bytes(32 * 40_000)), refused)
  assert.deepEqual([set.page(bytes(0), bytes(0)), await set.insert(bytes(0))], [0, bytes(0)])
  const running = set.insert(bytes(32))
  set.close()
  assert.deepEqual(await running, Uint8Array.of(1), 'what runs ends before the files are closed')
  assert.throws(() => set.has(bytes(32)), { status: -5 })
  assert.throws(() => set.insert(bytes(32)), { status: -5 })
  set.close()
})

test('sets that nobody closed are closed by the collector, and never by a change that runs', { skip }, async () => {
  await using folder = await tempFolder()
  const KeySet = addon['KeySet'] as KeySetClass
  const running = (() => new KeySet(new TextEncoder().encode(folder.path), 1 << 20).insert(bytes(32)))()
  assert.deepEqual(await running, Uint8Array.of(1))
})
