/** The addon called past its TypeScript door: its own checks must hold, whoever calls. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import { Worker } from 'node:worker_threads'
import { type Addon, loadAddon } from '../../src/crypto/index.ts'
import { backendsUnderTest } from '../support/backends.ts'

type Kernel = (...args: unknown[]) => unknown

const skip = backendsUnderTest().find(({ name }) => name === 'native')?.skip ?? false
const addon = skip === false ? loadAddon().exports : ({} as Addon['exports'])
const refused = { code: 'CRYPTO_ARGUMENT' }
const bytes = (length: number) => new Uint8Array(length)

/** A right call of every function: the abuse below puts a wrong thing in each place in turn. */
const CALLS: Record<string, () => unknown[]> = {
  blake3Into: () => [bytes(10), bytes(40), 3],
  blake3ModeInto: () => [1, bytes(32), bytes(10), bytes(70)],
  mlDsaKeyPairInto: () => [bytes(32), bytes(1952), bytes(4032)],
  mlDsaPublicKeyInto: () => [validSecretKey(), bytes(1952)],
  mlDsaSignInto: () => [validSecretKey(), bytes(10), bytes(3), bytes(0), bytes(3309)],
  mlDsaVerify: () => [bytes(1952), bytes(10), bytes(3309), bytes(0)],
  sealChunk: () => [bytes(10), bytes(112), bytes(32)],
  noncedRootInto: () => [bytes(32), bytes(3000), bytes(32)],
  noncedPathInto: () => [bytes(32), bytes(3000), 2, bytes(64)],
  baoSliceInto: () => [bytes(3000), 2, bytes(8 + 64 + 952)],
}

function validSecretKey(): Uint8Array {
  const secretKey = bytes(4032)
  kernel('mlDsaKeyPairInto')(bytes(32), bytes(1952), secretKey)
  return secretKey
}

function kernel(name: string): Kernel {
  const found = addon[name]
  assert.ok(typeof found === 'function', name)
  return found as Kernel
}

function wrongThings(length: number): unknown[] {
  const moved = bytes(length)
  structuredClone(moved.buffer, { transfer: [moved.buffer] })
  const shared = new Uint8Array(new SharedArrayBuffer(length))
  const rest = [undefined, null, 'text', Number.NaN, -1, 1.5, 2 ** 60, 1n, Symbol('x'), {}, [], new Uint16Array(length)]
  return [...rest, new DataView(new ArrayBuffer(8)), new ArrayBuffer(8), moved, shared, new Proxy(bytes(length), {})]
}

for (const [name, call] of Object.entries(CALLS)) {
  test(`${name}: the right call passes, every wrong argument is refused`, { skip }, () => {
    kernel(name)(...call())
    const right = call()
    for (const [place, value] of right.entries()) {
      const length = value instanceof Uint8Array ? value.length : 8
      for (const [index, wrong] of wrongThings(length).entries())
        assert.throws(
          () => kernel(name)(...right.with(place, wrong)),
          refused,
          `argument ${place}, wrong thing ${index}`,
        )
      assert.throws(() => kernel(name)(...right.slice(0, place)), refused)
    }
    assert.throws(() => kernel(name)(), refused)
    assert.throws(() => kernel(name).call(null), refused)
  })
}

test('openChunkInto: wrong arguments are refused, a wrong chunk has its own code', { skip }, () => {
  const open = kernel('openChunkInto')
  const right: Uint8Array[] = [bytes(40), bytes(112), bytes(10)]
  assert.throws(() => open(...right), { code: 'CRYPTO_OPEN_AUTHENTICATION' })
  for (const place of right.keys())
    for (const wrong of wrongThings((right[place] as Uint8Array).length))
      assert.throws(() => open(...(right as unknown[]).with(place, wrong)), refused)
})

test('wrong lengths are refused', { skip }, () => {
  for (const length of [0, 31, 33, 1951, 5000]) {
    assert.throws(() => kernel('mlDsaKeyPairInto')(bytes(length), bytes(1952), bytes(4032)), refused)
    assert.throws(() => kernel('mlDsaSignInto')(bytes(length), bytes(1), bytes(0), bytes(0), bytes(3309)), refused)
    assert.throws(() => kernel('sealChunk')(bytes(9), bytes(length), bytes(32)), refused)
  }
  assert.throws(() => kernel('mlDsaSignInto')(validSecretKey(), bytes(1), bytes(256), bytes(0), bytes(3309)), refused)
  assert.throws(() => kernel('mlDsaSignInto')(validSecretKey(), bytes(1), bytes(0), bytes(31), bytes(3309)), refused)
  assert.throws(
    () => kernel('mlDsaSignInto')(validSecretKey(), bytes(2 ** 28 + 1), bytes(0), bytes(0), bytes(3309)),
    refused,
  )
  assert.throws(() => kernel('sealChunk')(bytes(2 ** 24 + 1), bytes(112), bytes(32)), refused)
  assert.throws(() => kernel('openChunkInto')(bytes(40), bytes(112), bytes(2 ** 24 + 1)), refused)
  for (const offset of [9, 40, 2 ** 31, 2 ** 53 - 1, 2 ** 53 - 32])
    assert.throws(() => kernel('blake3Into')(bytes(1), bytes(40), offset), refused)
})

test('a block that is not there, and an output that is not the size of the opening', { skip }, () => {
  const content = bytes(3000)
  for (const index of [3, 4, 2 ** 31, 2 ** 53 - 1]) {
    assert.throws(() => kernel('noncedPathInto')(bytes(32), content, index, bytes(64)), refused)
    assert.throws(() => kernel('baoSliceInto')(content, index, bytes(1024)), refused)
    assert.throws(() => kernel('noncedPathInto')(bytes(32), bytes(0), index, bytes(0)), refused)
  }
  for (const length of [0, 32, 63, 65, 96]) {
    assert.throws(() => kernel('noncedPathInto')(bytes(32), content, 2, bytes(length)), refused)
    assert.throws(() => kernel('baoSliceInto')(content, 2, bytes(960 + length)), refused)
  }
  kernel('baoSliceInto')(bytes(0), 0, bytes(8))
  kernel('noncedPathInto')(bytes(32), bytes(1024), 0, bytes(0))
})

test('off the thread: wrong arguments are refused at once, a wrong size when the promise settles', {
  skip,
}, async () => {
  const calls: Record<string, unknown[]> = {
    noncedRootLater: [bytes(32), bytes(3000)],
    noncedPathLater: [bytes(32), bytes(3000), 2, 64],
    baoSliceLater: [bytes(3000), 2, 1024],
  }
  for (const [name, right] of Object.entries(calls)) {
    assert.ok((await (kernel(name)(...right) as Promise<Uint8Array>)) instanceof Uint8Array)
    for (const [place, value] of right.entries())
      for (const wrong of wrongThings(value instanceof Uint8Array ? value.length : 8))
        assert.throws(() => kernel(name)(...right.with(place, wrong)), refused)
  }
  await assert.rejects(kernel('baoSliceLater')(bytes(3000), 2, 1023) as Promise<unknown>, refused)
  await assert.rejects(kernel('noncedPathLater')(bytes(32), bytes(3000), 3, 64) as Promise<unknown>, refused)
  assert.throws(() => kernel('baoSliceLater')(bytes(3000), 2, 4097), refused)
})

test('an output that lies over an input is refused', { skip }, () => {
  const room = bytes(20_000)
  const at = (from: number, length: number) => room.subarray(from, from + length)
  assert.throws(() => kernel('mlDsaKeyPairInto')(at(0, 32), at(31, 1952), at(4000, 4032)), refused)
  assert.throws(() => kernel('mlDsaKeyPairInto')(at(0, 32), at(32, 1952), at(1983, 4032)), refused)
  kernel('mlDsaKeyPairInto')(at(0, 32), at(32, 1952), at(1984, 4032))
  assert.throws(() => kernel('mlDsaSignInto')(at(1984, 4032), at(0, 9), bytes(0), bytes(0), at(5000, 3309)), refused)
  assert.throws(() => kernel('sealChunk')(at(0, 1000), at(1000, 112), at(990, 32)), refused)
  assert.throws(() => kernel('openChunkInto')(at(0, 100), at(100, 112), at(50, 40)), refused)
  assert.throws(() => kernel('noncedRootInto')(at(0, 32), at(32, 3000), at(31, 32)), refused)
  assert.throws(() => kernel('noncedPathInto')(at(0, 32), at(32, 3000), 0, at(3000, 64)), refused)
  assert.throws(() => kernel('baoSliceInto')(at(0, 1000), 0, at(999, 1008)), refused)
})

test('memory that can grow or shrink is safe: nothing can change it during a call', { skip }, () => {
  const buffer = new ArrayBuffer(64, { maxByteLength: 1 << 20 })
  const view = new Uint8Array(buffer)
  const [out, expected] = [bytes(32), bytes(32)]
  for (const length of [64, 1 << 20, 5, 0]) {
    buffer.resize(length)
    kernel('blake3Into')(view, out, 0)
    kernel('blake3Into')(bytes(length), expected, 0)
    assert.deepEqual(out, expected)
  }
  const fixed = new Uint8Array(new ArrayBuffer(64, { maxByteLength: 64 }), 0, 64)
  ;(fixed.buffer as ArrayBuffer).resize(10)
  kernel('blake3Into')(fixed, out, 0)
  assert.deepEqual(out, expected, 'out of bounds counts as empty')
})

test('the hasher keeps to its own objects', { skip }, () => {
  const Hasher = addon['Hasher'] as new (
    ...args: unknown[]
  ) => { update(data: unknown): void; digestInto(out: unknown): void }
  for (const args of [
    [],
    [0],
    [3, bytes(0)],
    [1, bytes(31)],
    [1, bytes(0)],
    [0, 'x'],
    [Number.NaN, bytes(0)],
    [2, Uint8Array.of(0xff)],
  ])
    assert.throws(() => new Hasher(...args), refused)
  const hasher = new Hasher(0, bytes(0))
  for (const wrong of wrongThings(8)) {
    assert.throws(() => hasher.update(wrong), refused)
    assert.throws(() => hasher.digestInto(wrong), refused)
  }
  const { update, digestInto } = Hasher.prototype
  for (const self of [undefined, null, {}, Object.create(Hasher.prototype), Object.create(hasher), 5]) {
    assert.throws(() => update.call(self as never, bytes(1)), TypeError)
    assert.throws(() => digestInto.call(self as never, bytes(1)), TypeError)
  }
  assert.throws(() => (Hasher as unknown as Kernel)(0, bytes(0)))
  class Derived extends Hasher {}
  const derived = new Derived(0, bytes(0))
  derived.update(bytes(3))
  const [out, expected] = [bytes(32), bytes(32)]
  derived.digestInto(out)
  kernel('blake3Into')(bytes(3), expected, 0)
  assert.deepEqual(out, expected)
})

test('hashers that nobody holds are collected with their state', { skip }, async () => {
  const Hasher = addon['Hasher'] as new (mode: number, key: Uint8Array) => { update(data: Uint8Array): void }
  const key = bytes(0)
  const before = process.memoryUsage().rss
  // 2 KB of state each: 400 MB if they stayed. Finalizers run between turns of the event loop.
  for (let turn = 0; turn < 200; turn++) {
    for (let i = 0; i < 1000; i++) new Hasher(0, key).update(key)
    await new Promise(setImmediate)
  }
  const grown = process.memoryUsage().rss - before
  assert.ok(grown < 200e6, `${grown} bytes more than before`)
})

test('a thread that ends with hashers alive, or in the middle of work, takes nothing with it', { skip }, async () => {
  const program = `
    const { parentPort } = require('node:worker_threads')
    const { Hasher, blake3Into } = require(${JSON.stringify(skip === false ? loadAddon().path : '')})
    globalThis.kept = Array.from({ length: 100 }, () => new Hasher(0, new Uint8Array(0)))
    for (const hasher of kept) hasher.update(new Uint8Array(100))
    parentPort.postMessage('ready')
    for (;;) blake3Into(new Uint8Array(1 << 20), new Uint8Array(32), 0)`
  for (let i = 0; i < 4; i++) {
    const worker = new Worker(program, { eval: true })
    await once(worker, 'message')
    await worker.terminate()
  }
  const out = bytes(32)
  kernel('blake3Into')(bytes(0), out, 0)
  assert.equal(out[0], 0xaf)
})
