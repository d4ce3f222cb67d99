import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Aborted, never } from '../../../src/base/index.ts'
import { SharedDials } from '../../../src/network/shared-dials.ts'

test('work is shared, then started anew', async () => {
  const dials = new SharedDials<string, number>()
  let started = 0
  const work = async () => ++started
  assert.deepEqual(await Promise.all([dials.join('k', never, work), dials.join('k', never, work)]), [1, 1])
  assert.equal(dials.size, 0)
  assert.equal(await dials.join('k', never, work), 2)
})

test('a failure reaches everybody and frees the slot', async () => {
  const dials = new SharedDials<string, number>()
  const work = () => Promise.reject(new Error('no'))
  const results = await Promise.allSettled([dials.join('k', never, work), dials.join('k', never, work)])
  assert.deepEqual(
    results.map(({ status }) => status),
    ['rejected', 'rejected'],
  )
  assert.equal(dials.size, 0)
})

test('the work is aborted when the last one gives up, not before', async () => {
  const dials = new SharedDials<string, number>()
  let inner: AbortSignal | undefined
  const work = (signal: AbortSignal) => {
    inner = signal
    return new Promise<number>(() => undefined)
  }
  const [a, b] = [new AbortController(), new AbortController()]
  const joined = [dials.join('k', a.signal, work), dials.join('k', b.signal, work)]
  a.abort(new Aborted('a'))
  await assert.rejects(joined[0] as Promise<number>, /a/)
  assert.equal(inner?.aborted, false)
  b.abort(new Aborted('b'))
  await assert.rejects(joined[1] as Promise<number>, /b/)
  assert.equal(inner?.aborted, true)
  assert.equal(dials.size, 0)
})

test('an outcome from elsewhere ends the work early', async () => {
  const dials = new SharedDials<string, number>()
  let inner: AbortSignal | undefined
  const joined = dials.join('k', never, (signal) => {
    inner = signal
    return new Promise<number>(() => undefined)
  })
  dials.settle('k', 7)
  assert.equal(await joined, 7)
  assert.equal(inner?.aborted, true)
  dials.settle('k', 8)
})
