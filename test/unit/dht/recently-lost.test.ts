import assert from 'node:assert/strict'
import { test } from 'node:test'
import { hour, minute, second } from '../../../src/base/index.ts'
import { NEIGHBOUR_DEFAULTS as options } from '../../../src/dht/neighbour-options.ts'
import { RecentlyLost } from '../../../src/dht/recently-lost.ts'
import type { PeerId } from '../../../src/protocol/index.ts'

const peer = (n: number) => n.toString(16).padStart(2, '0').repeat(32) as PeerId

/** Looks every five seconds; who was tried and when. */
function world(peers: number, overrides: Partial<typeof options> = {}) {
  const lost = new RecentlyLost({ ...options, ...overrides })
  for (let n = 0; n < peers; n++) lost.add(peer(n), [], 0)
  const tried: { peer: PeerId; at: number }[] = []
  let now = 0
  const run = (until: number) => {
    for (; now < until; now += 5 * second) {
      const due = lost.due(now)
      assert.ok(due.length <= options.lostAtOnce)
      for (const each of due) tried.push({ peer: each.peer, at: now })
    }
  }
  return { lost, tried, run, now: () => now }
}

test('one that stays away is tried after 30 s, then after ever longer pauses, and forgotten after three hours', () => {
  const { lost, tried, run } = world(1, { lostFeelMs: Number.POSITIVE_INFINITY })
  run(4 * hour)
  const pauses = tried.map(({ at }, i) => at - (tried[i - 1]?.at ?? 0))
  assert.deepEqual(
    pauses,
    [0.5, 1, 2, 4, 8, 16, 32, 64].map((minutes) => minutes * minute),
  )
  assert.equal(lost.size, 0)
  assert.deepEqual(lost.due(5 * hour), [])
})

test('between the pauses one at a time is felt for, each in its turn', () => {
  const { tried, run, lost } = world(10)
  run(hour)
  const before = tried.length
  run(hour + 10 * minute)
  const late = tried.slice(before)
  assert.ok(late.length >= 9 && late.length <= 20, `${late.length} in ten minutes`)
  assert.ok(new Set(late.map((each) => each.peer)).size >= 9)
  assert.equal(lost.size, 10)
})

test('when one of many has returned the others are tried at once, four at a time', () => {
  const { lost, tried, run, now } = world(11)
  run(hour)
  const [before, at] = [tried.length, now()]
  lost.returned(peer(3), at)
  run(at + 15 * second)
  const after = tried.slice(before).map((each) => each.peer)
  assert.equal(after.length, 10)
  assert.equal(new Set(after).size, 10)
  assert.ok(!after.includes(peer(3)))
  lost.returned(peer(3), now())
  run(now() + 5 * second)
  assert.equal(tried.length, before + 10, 'who was not lost brings nobody back')
})

test('of very many each has its turn before anybody has a second one', () => {
  const { lost, tried, run, now } = world(200)
  run(hour)
  const [before, at] = [tried.length, now()]
  lost.returned(peer(3), at)
  run(at + 199 * 2 * second)
  const after = tried.slice(before).map((each) => each.peer)
  assert.equal(new Set(after.slice(0, 199)).size, 199)
})
