import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  Aborted,
  CodedError,
  compare,
  DeadlineExceeded,
  fromHex,
  fromPlain,
  fromUtf8,
  Lifecycle,
  LruMap,
  never,
  PendingReplies,
  Registry,
  randomBelow,
  randomUuid,
  resolveOptions,
  Semaphore,
  seededRandom,
  shuffled,
  systemClock,
  TaskGroup,
  TokenBucket,
  TokenBuckets,
  toHex,
  toPlain,
  withDeadline,
} from '../../../src/base/index.ts'

test('hex there and back, refusing what is no hex', () => {
  const bytes = Uint8Array.from({ length: 256 }, (_, i) => i)
  assert.deepEqual(fromHex(toHex(bytes)), bytes)
  assert.deepEqual(fromHex('ABcd'), new Uint8Array([0xab, 0xcd]))
  for (const bad of ['a', 'zz', '0x', ' 0']) assert.equal(fromHex(bad), undefined)
  assert.equal(fromUtf8(new Uint8Array([0xff])), undefined)
  assert.ok(compare(new Uint8Array([1]), new Uint8Array([1, 0])) < 0)
})

test('a coded error crosses a thread border with code, data and cause', () => {
  class RoomError extends CodedError<'ROOM_X'> {}
  const error = new RoomError('ROOM_X', 'it failed', { data: { n: 1 }, cause: new TypeError('inner') })
  const back = fromPlain(structuredClone(toPlain(error)))
  assert.deepEqual([back.name, back.code, back.message, back.data], ['RoomError', 'ROOM_X', 'it failed', { n: 1 }])
  assert.equal((back.cause as Error).message, 'inner')
})

test('seeded dice repeat, differ by seed and stay in range', () => {
  const draw = (seed: number) =>
    Array.from(
      { length: 50 },
      (
        (random) => () =>
          randomBelow(random, 10)
      )(seededRandom(seed)),
    )
  assert.deepEqual(draw(1), draw(1))
  assert.notDeepEqual(draw(1), draw(2))
  assert.ok(draw(3).every((n) => n >= 0 && n < 10))
  assert.deepEqual(shuffled(seededRandom(4), [1, 2, 3, 4]).sort(), [1, 2, 3, 4])
  assert.match(randomUuid(seededRandom(5)), /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
})

test('a deadline aborts the work and says what was late', async () => {
  let seen: unknown
  await assert.rejects(
    withDeadline(
      systemClock,
      1,
      never,
      'waiting for nothing',
      (signal) => new Promise((_, reject) => signal.addEventListener('abort', () => reject((seen = signal.reason)))),
    ),
    (error) => error instanceof DeadlineExceeded && /waiting for nothing/.test(error.message),
  )
  assert.ok(seen instanceof DeadlineExceeded)
  const controller = new AbortController()
  controller.abort(new Aborted('before'))
  await assert.rejects(
    withDeadline(systemClock, 1000, controller.signal, 'x', async () => 1),
    Aborted,
  )
})

test('a semaphore keeps its limit, its line and its order, and an aborted wait leaves the line', async () => {
  const semaphore = new Semaphore(1, 2)
  const release = await semaphore.acquire(never)
  const order: number[] = []
  const controller = new AbortController()
  const first = semaphore.acquire(controller.signal)
  const second = semaphore.acquire(never).then((free) => {
    order.push(2)
    free()
  })
  await assert.rejects(semaphore.acquire(never), { code: 'SEMAPHORE_FULL' })
  controller.abort(new Aborted('gone'))
  await assert.rejects(first, Aborted)
  release()
  release()
  await second
  assert.deepEqual(order, [2])
  assert.equal(semaphore.free, 1)
})

test('pending replies: match, refuse strangers, time out, abort, keep the limit', async () => {
  const pending = new PendingReplies<string>(systemClock, 2)
  const options = { timeoutMs: 60_000, signal: never, what: 'a reply' }
  const wait = pending.expect('a', options)
  assert.equal(pending.settle('b', 'x'), false)
  assert.equal(pending.settle('a', 'yes'), true)
  assert.equal(pending.settle('a', 'twice'), false)
  assert.equal(await wait, 'yes')
  await assert.rejects(pending.expect('late', { ...options, timeoutMs: 1 }), DeadlineExceeded)
  const controller = new AbortController()
  const aborted = pending.expect('c', { ...options, signal: controller.signal })
  const held = pending.expect('d', options)
  await assert.rejects(pending.expect('e', options), { code: 'PENDING_FULL' })
  await assert.rejects(pending.expect('d', options), { code: 'PENDING_FULL' })
  controller.abort(new Aborted('no more'))
  await assert.rejects(aborted, Aborted)
  pending.failAll()
  await assert.rejects(held, Aborted)
  assert.equal(pending.size, 0)
})

test('a lifecycle stops in reverse, and undoes a failed start', async () => {
  const log: string[] = []
  const part = (name: string, fails = false) => ({
    start: async () => {
      log.push(`+${name}`)
      if (fails) throw new Error(`${name} failed`)
    },
    stop: async () => void log.push(`-${name}`),
  })
  const sound = new Lifecycle([part('a'), part('b')])
  await sound.start(never)
  await sound.start(never)
  await sound.stop()
  await sound.stop()
  assert.deepEqual(log.splice(0), ['+a', '+b', '-b', '-a'])
  await assert.rejects(new Lifecycle([part('a'), part('b', true), part('c')]).start(never), /b failed/)
  assert.deepEqual(log.splice(0), ['+a', '+b', '-b', '-a'])

  const deaf = Promise.withResolvers<void>()
  const begun = Promise.withResolvers<void>()
  const slow = {
    ...part('slow'),
    start: () => {
      begun.resolve()
      return deaf.promise
    },
  }
  const late = new Lifecycle([part('a'), slow, part('c')])
  const starts = Promise.allSettled([late.start(never), late.start(never)])
  await begun.promise
  const stop = late.stop()
  deaf.resolve()
  await stop
  const outcomes = await starts
  assert.deepEqual(
    outcomes.map(({ status }) => status),
    ['rejected', 'rejected'],
  )
  assert.deepEqual(log, ['+a', '-c', '-slow', '-a'], 'stopped while starting: nothing stays, nothing more is begun')
})

test('a task group reports failures, ends its loops at stop and starts nothing after', async () => {
  const errors: string[] = []
  const group = new TaskGroup((error, name) => errors.push(`${name}: ${(error as Error).message}`))
  group.spawn('bad', async () => {
    throw new Error('broken')
  })
  await Promise.resolve()
  let ended = false
  group.spawn('loop', async (signal) => {
    await systemClock.sleep(60_000, signal).catch(() => undefined)
    ended = true
  })
  await group.stop()
  group.spawn('late', async () => assert.fail('must not start'))
  assert.deepEqual([errors, ended, group.size], [['bad: broken'], true, 0])
})

test('tokens come back with time, never above the burst', () => {
  const bucket = new TokenBucket({ burst: 2, perSecond: 10, now: 0 })
  assert.deepEqual([bucket.take(0), bucket.take(0), bucket.take(0)], [true, true, false])
  assert.deepEqual([bucket.take(99), bucket.take(100), bucket.take(100)], [false, true, false])
  assert.deepEqual([bucket.take(10_000), bucket.take(10_000), bucket.take(10_000)], [true, true, false])
})

test('a bucket may be charged afterwards: it is closed until the debt is paid, the buckets of others are open', () => {
  const buckets = new TokenBuckets<string>({ burst: 10, perSecond: 10, keys: 2 })
  assert.ok(buckets.isOpen('a', 0))
  buckets.charge('a', 0, 15)
  assert.deepEqual([buckets.isOpen('a', 500), buckets.isOpen('b', 500), buckets.isOpen('a', 501)], [false, true, true])
})

test('the least recently used entry leaves', () => {
  const map = new LruMap<string, number>(2)
  map.set('a', 1)
  map.set('b', 2)
  map.get('a')
  map.set('c', 3)
  assert.deepEqual(
    [...map.entries()],
    [
      ['a', 1],
      ['c', 3],
    ],
  )
})

test('options: unknown names are refused, undefined means default, the result is frozen', () => {
  const defaults = { limit: 1, name: 'x' }
  assert.deepEqual(resolveOptions('room', defaults, { limit: 2, name: undefined as never }), { limit: 2, name: 'x' })
  assert.throws(() => resolveOptions('room', defaults, { other: 1 } as never), /room has no option "other"/)
  assert.ok(Object.isFrozen(resolveOptions('room', defaults, undefined)))
})

test('metrics render as Prometheus text', () => {
  const registry = new Registry()
  registry.counter('a_total', 'things').add(2, { kind: 'x' })
  registry.gauge('b', 'level', () => 7)
  registry.histogram('c_seconds', 'time', [0.1, 1]).observe(0.5)
  const text = registry.render()
  for (const line of [
    'a_total{kind="x"} 2',
    'b 7',
    'c_seconds_bucket{le="0.1"} 0',
    'c_seconds_bucket{le="1"} 1',
    'c_seconds_bucket{le="+Inf"} 1',
    'c_seconds_sum 0.5',
    'c_seconds_count 1',
  ]) {
    assert.ok(text.includes(`${line}\n`), line)
  }
})
