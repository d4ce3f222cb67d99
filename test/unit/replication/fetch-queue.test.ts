import assert from 'node:assert/strict'
import { test } from 'node:test'
import { randomBelow } from '../../../src/base/index.ts'
import { type ChunkAddress, compareDistance, keyOf, type PeerId } from '../../../src/protocol/index.ts'
import { REPLICATION_DEFAULTS } from '../../../src/replication/options.ts'
import {
  type Fetch,
  type FetchOptions,
  type FetchOutcome,
  FetchQueue,
} from '../../../src/replication/verify/fetch-queue.ts'
import type { PendingKey } from '../../../src/replication/verify/pending-table.ts'
import { address, at, forSeeds, many, peerAt, peerId, pick } from './support/seeds.ts'

const open = (overrides: Partial<FetchOptions> = {}) =>
  new FetchQueue(peerAt(0), { ...REPLICATION_DEFAULTS, ...overrides })
const pendingOf = (key: ChunkAddress): PendingKey => ({
  ...{ key, pipeline: 'replica', state: 'verifying', hinters: [{ peer: peerAt(1), replica: true }] },
  ...{ createdAt: 5, attempts: 2, lossReported: false, shortSince: undefined },
})
const [ALICE, BOB] = [peerAt(1), peerAt(2)]

test('nearest to self first, no more at once than the parallelism', () => {
  forSeeds(10, (random) => {
    const queue = open({ fetchParallel: 3 })
    const keys = many(40, () => address(random))
    for (const key of keys) queue.add(pendingOf(key), [peerId(random)])
    const order: ChunkAddress[] = []
    const running: Fetch[] = []
    while (queue.size > 0) {
      for (let fetch = queue.next(); fetch; fetch = queue.next()) {
        running.push(fetch)
        order.push(fetch.key)
      }
      assert.ok(running.length <= 3 && running.length === queue.inFlight)
      queue.settle((running.shift() as Fetch).key, 'stored')
    }
    assert.deepEqual(
      order,
      keys.toSorted((a, b) => compareDistance(keyOf(peerAt(0)), keyOf(a), keyOf(b))),
    )
  })
})

test('a source that rests keeps its place, not that of the node', () => {
  const queue = open({ fetchParallel: 2, fetchOutstandingPerPeer: 1 })
  queue.add(pendingOf(at(1)), [ALICE])
  queue.add(pendingOf(at(2)), [ALICE])
  queue.add(pendingOf(at(3)), [BOB])
  const first = queue.next() as Fetch
  queue.settle(first.key, 'stored', true)
  assert.deepEqual([queue.next()?.source, queue.next(), queue.inFlight], [BOB, undefined, 1])
  queue.rested(ALICE)
  assert.equal(queue.next()?.source, ALICE)
})

test('scenario 9: the next untried source at once; scenario 10: none left goes back to verification as it was', () => {
  const queue = open()
  const pending = pendingOf(at(1))
  queue.add(pending, [ALICE, BOB, ALICE])
  assert.deepEqual(queue.next(), { key: at(1), source: ALICE, extended: false })
  assert.deepEqual(queue.settle(at(1), 'sourceFailed'), { next: { kind: 'nextSource' }, blame: true })
  assert.deepEqual(queue.next(), { key: at(1), source: BOB, extended: false })
  assert.deepEqual(queue.settle(at(1), 'timeout'), { next: { kind: 'verifyAgain', pending }, blame: false })
  assert.equal(queue.size, 0)
  assert.equal(queue.settle(at(1), 'stored'), undefined)
})

test('a slow source goes on beside the next one and keeps its place until it rests', () => {
  const queue = open()
  queue.add(pendingOf(at(1)), [ALICE, BOB])
  queue.next()
  assert.equal(queue.hasOther(at(1)), true)
  assert.deepEqual(queue.settle(at(1), 'slow', true), { next: { kind: 'nextSource' }, blame: false })
  assert.deepEqual(queue.next(), { key: at(1), source: BOB, extended: false })
  assert.deepEqual([queue.hasOther(at(1)), queue.inFlight, queue.busyPeers], [false, 1, 2])
  queue.settle(at(1), 'stored')
  queue.rested(ALICE)
  assert.deepEqual([queue.size, queue.inFlight, queue.busyPeers], [0, 0, 0])
})

test('a local write failure blames nobody and verifies again; held or not ours ends', () => {
  for (const [outcome, kind] of [
    ['localWriteFailed', 'verifyAgain'],
    ['alreadyHeld', 'done'],
    ['noLongerResponsible', 'done'],
    ['stored', 'done'],
  ] as const) {
    const queue = open()
    queue.add(pendingOf(at(1)), [ALICE, BOB])
    queue.next()
    const settled = queue.settle(at(1), outcome)
    assert.deepEqual([settled?.next.kind, settled?.blame], [kind, false])
    assert.deepEqual([queue.size, queue.inFlight, queue.busyPeers], [0, 0, 0])
  }
})

test('a peer is asked for two chunks at once; a key whose only source is busy does not hold up others', () => {
  const queue = open({ fetchParallel: 10 })
  for (let i = 1; i <= 4; i++) queue.add(pendingOf(at(i)), [ALICE])
  queue.add(pendingOf(at(0x80)), [ALICE, BOB])
  const started = [queue.next(), queue.next(), queue.next(), queue.next()].map((fetch) => [fetch?.key, fetch?.source])
  assert.deepEqual(started, [
    [at(1), ALICE],
    [at(2), ALICE],
    [at(0x80), BOB],
    [undefined, undefined],
  ])
  queue.settle(at(1), 'stored')
  assert.deepEqual(queue.next(), { key: at(3), source: ALICE, extended: false })
  assert.equal(queue.drop(at(4)), true)
  assert.equal(queue.drop(at(3)), false)
  queue.settle(at(2), 'stored')
  assert.equal(queue.next(), undefined)
})

test('keys that a frozen source shares with a quick one all come from the quick one', () => {
  const queue = open({ fetchParallel: 8 })
  for (let i = 1; i <= 40; i++) queue.add(pendingOf(at(i)), [ALICE, BOB])
  const begun = [queue.next(), queue.next(), queue.next(), queue.next()]
  assert.equal(queue.next(), undefined)
  // The frozen one never answers: its two go on beside the next source.
  for (const fetch of begun) if (fetch?.source === ALICE) queue.settle(fetch.key, 'slow', true)
  let key = begun.find((fetch) => fetch?.source === BOB)?.key
  for (const fetch of begun) if (fetch?.source === BOB && fetch.key !== key) queue.settle(fetch.key, 'stored')
  for (let i = 0; key; i++) {
    assert.ok(i <= 40)
    queue.settle(key, 'stored')
    const [next, other] = [queue.next(), queue.next()]
    assert.ok(next?.source !== ALICE && other?.source !== ALICE)
    if (other) queue.settle(other.key, 'stored')
    key = next?.key
  }
  assert.equal(queue.size, 0)
})

test('a key that waits for busy sources starts when one more is named', () => {
  const queue = open({ fetchParallel: 8 })
  for (let i = 1; i <= 3; i++) queue.add(pendingOf(at(i)), [ALICE])
  queue.next()
  queue.next()
  assert.equal(queue.next(), undefined)
  queue.join(at(3), BOB)
  assert.deepEqual(queue.next(), { key: at(3), source: BOB, extended: false })
})

test('a later replica hint is one more source', () => {
  const queue = open()
  queue.add(pendingOf(at(1)), [ALICE])
  queue.next()
  queue.join(at(1), ALICE)
  queue.join(at(1), BOB)
  assert.equal(queue.settle(at(1), 'timeout')?.next.kind, 'nextSource')
  assert.deepEqual(queue.next(), { key: at(1), source: BOB, extended: false })
})

test('sources are bounded, hinted later or not', () => {
  const queue = open({ fetchSources: 2 })
  queue.add(pendingOf(at(1)), [ALICE])
  for (const peer of [BOB, peerAt(3)]) queue.join(at(1), peer)
  queue.next()
  assert.equal(queue.settle(at(1), 'timeout')?.next.kind, 'nextSource')
  queue.next()
  assert.equal(queue.settle(at(1), 'timeout')?.next.kind, 'verifyAgain')
  assert.equal(queue.add(pendingOf(at(2)), []), false, 'without a source there is nothing to queue')
})

test('28.4 a flood never passes the limit', () => {
  const queue = open({ fetchQueue: 100 })
  forSeeds(1, (random) => {
    let taken = 0
    for (let i = 0; i < 1000; i++) taken += queue.add(pendingOf(address(random)), [ALICE]) ? 1 : 0
    assert.deepEqual([taken, queue.size], [100, 100])
  })
})

test('whatever happens each key ends, no source is tried twice for it, no peer is asked more than twice at once', () => {
  forSeeds(60, (random) => {
    const queue = open({ fetchParallel: 1 + randomBelow(random, 8) })
    const peers = many(5, () => peerId(random))
    const tried = new Map<ChunkAddress, PeerId[]>()
    const running = new Map<ChunkAddress, PeerId>()
    for (const key of many(40, () => address(random))) {
      tried.set(key, [])
      queue.add(
        pendingOf(key),
        many(1 + randomBelow(random, 4), () => pick(random, peers)),
      )
    }
    const outcomes: FetchOutcome[] = ['stored', 'sourceFailed', 'timeout', 'localWriteFailed', 'alreadyHeld']
    let steps = 0
    while (queue.size > 0) {
      assert.ok(steps++ < 1000, 'the queue stands still')
      for (let fetch = queue.next(); fetch; fetch = queue.next()) {
        assert.ok(!tried.get(fetch.key)?.includes(fetch.source))
        tried.get(fetch.key)?.push(fetch.source)
        running.set(fetch.key, fetch.source)
        assert.ok([...running.values()].filter((peer) => peer === fetch?.source).length <= 2)
      }
      const [key] = pick(random, [...running])
      running.delete(key)
      queue.settle(key, pick(random, outcomes))
    }
    assert.deepEqual([queue.inFlight, queue.busyPeers, queue.next()], [0, 0, undefined])
  })
})
