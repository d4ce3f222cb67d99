import assert from 'node:assert/strict'
import { getEventListeners } from 'node:events'
import { test } from 'node:test'
import { never, raceAbort, withScope } from '../../../src/base/index.ts'

test('nobody who waits for ever is kept alive by the signal that never aborts', async () => {
  void raceAbort(never, new Promise(() => undefined))
  void withScope(never, () => new Promise(() => undefined))
  never.addEventListener('abort', () => assert.fail('aborted'), { once: true })
  assert.equal(getEventListeners(never, 'abort').length, 0)
  assert.equal(await raceAbort(never, Promise.resolve(7)), 7)
  assert.equal(never.aborted, false)
})

test('whoever waited on a real signal has left when the work is over', async () => {
  const { signal } = new AbortController()
  await raceAbort(signal, Promise.resolve())
  await withScope(signal, async () => undefined)
  await Promise.resolve()
  assert.equal(getEventListeners(signal, 'abort').length, 0)
})
