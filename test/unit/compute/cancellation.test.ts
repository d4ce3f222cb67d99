import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Cancellation } from '../../../src/compute/cancellation.ts'

test('the first reason is told once to everybody, also to who asks later', () => {
  const call = new Cancellation()
  const told: unknown[] = []
  call.onCancel((reason) => told.push(['early', reason]))
  call.throwIfCancelled()
  call.cancel('first')
  call.cancel('second')
  call.onCancel((reason) => told.push(['late', reason]))
  assert.deepEqual(told, [
    ['early', 'first'],
    ['late', 'first'],
  ])
  assert.throws(
    () => call.throwIfCancelled(),
    (reason) => reason === 'first',
  )
})

test('a reason of nothing cancels too', () => {
  const call = new Cancellation()
  let told = 0
  call.onCancel(() => told++)
  call.cancel(undefined)
  call.cancel('again')
  assert.equal(told, 1)
})
