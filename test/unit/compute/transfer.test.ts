import assert from 'node:assert/strict'
import { test } from 'node:test'
import { movable, outgoing, ownsBuffer, reclaimInput, takeOut } from '../../../src/compute/transfer.ts'

test('a view owns its buffer only when it is all of it', () => {
  const whole = new Uint8Array(4)
  assert.equal(ownsBuffer(whole), true)
  assert.equal(ownsBuffer(whole.subarray(1)), false)
  assert.equal(ownsBuffer(whole.subarray(0, 3)), false)
  assert.equal(ownsBuffer(new Uint8Array(new SharedArrayBuffer(4))), false)
  assert.equal(ownsBuffer(new Uint8Array(new ArrayBuffer(4, { maxByteLength: 8 }))), false)
})

test('a result moves whole buffers and cuts parts out', () => {
  const whole = Uint8Array.from([1, 2])
  const part = Uint8Array.from([0, 3, 4]).subarray(1)
  const { value, transfer } = movable({ a: whole, list: [{ b: part }], n: 5, t: 'x', none: null }, () => false)
  assert.equal(value.a, whole)
  assert.deepEqual([...(value.list[0]?.b ?? [])], [3, 4])
  assert.equal(value.list[0]?.b.buffer.byteLength, 2)
  assert.deepEqual(transfer, [whole.buffer, value.list[0]?.b.buffer])
  const arrived = structuredClone(value, { transfer })
  assert.equal(whole.buffer.detached, true)
  assert.deepEqual([...arrived.a], [1, 2])
})

test('one buffer in two places is listed once; a buffer that may not be moved is copied', () => {
  const bytes = Uint8Array.from([1])
  assert.equal(movable([bytes, bytes], () => false).transfer.length, 1)
  const { value, transfer } = movable(bytes, (buffer) => buffer === bytes.buffer)
  assert.notEqual(value, bytes)
  assert.deepEqual([...value], [1])
  assert.deepEqual(transfer, [value.buffer])
})

test('an input keeps its moved and its whole views; parts of other buffers are copied once and the copies moved', () => {
  const buffer = new ArrayBuffer(16)
  const moved = new Uint8Array(buffer, 0, 8)
  const part = Uint8Array.from([9, 8, 7, 6]).subarray(2, 4)
  const own = new Uint8Array(3)
  const { value, transfer } = outgoing({ moved, part, own }, [buffer])
  assert.equal(value.moved, moved)
  assert.equal(value.own, own)
  assert.deepEqual([...value.part], [7, 6])
  assert.equal(value.part.buffer.byteLength, 2)
  assert.deepEqual(transfer, [buffer, value.part.buffer])
})

test('a used input gives its memory back, but not what the result keeps, nor small things, nor parts', () => {
  const [used, kept, small, whole] = [1 << 16, 1 << 16, 8, 1 << 17].map((length) => new Uint8Array(length)) as [
    Uint8Array<ArrayBuffer>,
    Uint8Array<ArrayBuffer>,
    Uint8Array<ArrayBuffer>,
    Uint8Array<ArrayBuffer>,
  ]
  reclaimInput({ used, nested: [{ kept }], small, part: whole.subarray(0, 1 << 16) }, [kept.buffer])
  assert.equal(used.buffer.detached, true)
  for (const bytes of [kept, small, whole]) assert.equal(bytes.buffer.detached, false)
})

test('a part is taken out of its buffer, which is given back; small and whole ones stay as they are', () => {
  const message = new Uint8Array(1 << 17).map((_, i) => i)
  const part = takeOut(message.subarray(3, 1 << 16))
  assert.equal(message.buffer.detached, true)
  assert.equal(ownsBuffer(part), true)
  assert.deepEqual([part.length, part[0], part[255]], [(1 << 16) - 3, 3, 2])
  assert.equal(takeOut(part), part)
  const small = new Uint8Array(100).subarray(1)
  assert.equal(takeOut(small), small)
  const shared = new Uint8Array(new SharedArrayBuffer(1 << 17)).subarray(1)
  assert.equal(takeOut(shared), shared)
})

test('a tree is copied only where byte arrays change; what the caller holds is never changed', () => {
  const part = new Uint8Array(new ArrayBuffer(64), 8, 4)
  const own = new Uint8Array(4)
  const untouched = { own, list: [1, { own }] }
  const input = { untouched, list: [part, own] }
  const { value } = outgoing(input, [])
  assert.equal(value.untouched, untouched)
  assert.equal(input.list[0], part)
  assert.notEqual(value.list[0], part)
  assert.equal(value.list[1], own)
  assert.ok(Array.isArray(value.list))
})
