import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Aborted, never, withDeadline } from '../../../src/base/index.ts'
import { EventPump, SimClock } from '../../../src/sim/index.ts'

test('timers fire in the order of their time, equal ones in the order of creation', () => {
  fc.assert(
    fc.property(fc.array(fc.record({ ms: fc.nat(20), cancel: fc.boolean() })), (plan) => {
      const clock = new SimClock()
      const fired: number[] = []
      const timers = plan.map(({ ms }, i) => clock.timer(ms, () => fired.push(i)))
      for (const [i, { cancel }] of plan.entries()) if (cancel) timers[i]?.cancel()
      while (clock.pending > 0) clock.fireNext()
      const expected = plan
        .flatMap(({ ms, cancel }, i) => (cancel ? [] : [{ ms, i }]))
        .sort((a, b) => a.ms - b.ms || a.i - b.i)
      assert.deepEqual(
        fired,
        expected.map(({ i }) => i),
      )
    }),
  )
})

test('a timer cancelled by an earlier one of the same instant does not fire', () => {
  const clock = new SimClock()
  const fired: string[] = []
  clock.timer(5, () => {
    fired.push('first')
    second.cancel()
    clock.timer(0, () => fired.push('next turn'))
  })
  const second = clock.timer(5, () => fired.push('second'))
  assert.equal(clock.fireNext(), 1)
  assert.deepEqual(fired, ['first'])
  clock.fireNext()
  assert.deepEqual(fired, ['first', 'next turn'])
  assert.equal(clock.monotonic(), 5)
})

test('wall clock and nanoseconds go along, nanoseconds never repeat', async () => {
  const clock = new SimClock(1_000_000)
  const pump = new EventPump(clock, 1)
  const first = clock.nowNanos()
  assert.ok(clock.nowNanos() > first)
  await pump.advance(1500)
  assert.equal(clock.now(), 1_001_500)
  assert.equal(clock.nowNanos() / 1_000_000n, 1_001_500n)
})

test('deep chains of promises settle before time moves', async () => {
  const clock = new SimClock()
  const pump = new EventPump(clock, 1)
  const deep = async (n: number): Promise<number> => (n === 0 ? clock.monotonic() : deep(n - 1))
  const seen = await pump.run(async () => {
    const times: number[] = []
    clock.timer(10, () => void deep(500).then((at) => times.push(at)))
    clock.timer(11, () => times.push(-1))
    await clock.sleep(20, never)
    return times
  })
  assert.deepEqual(seen, [10, -1])
})

test('work that cannot end is told apart from work that takes too long', async () => {
  const pump = new EventPump(new SimClock(), 42)
  await assert.rejects(
    pump.run(() => new Promise(() => undefined)),
    { code: 'SIM_STUCK', message: /seed 42/ },
  )
  const clock = new SimClock()
  const busy = new EventPump(clock, 42)
  const ticking = async () => {
    for (;;) await clock.sleep(10, never)
  }
  await assert.rejects(busy.run(ticking, { limitMs: 1000 }), { code: 'SIM_TIME_LIMIT' })
  await assert.rejects(
    busy.run(() => busy.advance(1)),
    /two runs pump one clock/,
  )
})

test('virtual time stands still while somebody holds the pump', async () => {
  const clock = new SimClock()
  const pump = new EventPump(clock, 1)
  let real = false
  await pump.run(async () => {
    clock.timer(1, () => {
      const release = pump.hold()
      setTimeout(() => {
        real = true
        release()
        release()
      }, 1)
    })
    await clock.sleep(2, never)
    assert.equal(real, true)
  })
})

test('deadlines and aborts of base run in virtual time', async () => {
  const clock = new SimClock()
  const pump = new EventPump(clock, 1)
  await pump.run(async () => {
    const late = withDeadline(clock, 50, never, 'waiting', (signal) => clock.sleep(1000, signal))
    await assert.rejects(late, { code: 'DEADLINE_EXCEEDED' })
    assert.equal(clock.monotonic(), 50)
    assert.equal(clock.pending, 0, 'no timer is left behind')
    const controller = new AbortController()
    clock.timer(5, () => controller.abort(new Aborted('enough')))
    await assert.rejects(clock.sleep(1000, controller.signal), /enough/)
    assert.equal(clock.monotonic(), 55)
  })
})
