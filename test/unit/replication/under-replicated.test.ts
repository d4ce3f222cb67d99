import assert from 'node:assert/strict'
import { test } from 'node:test'
import { randomBelow } from '../../../src/base/index.ts'
import { keyOf, type PeerId } from '../../../src/protocol/index.ts'
import { UnderReplicated } from '../../../src/replication/extend/under-replicated.ts'
import { REPLICATION_DEFAULTS as options } from '../../../src/replication/options.ts'
import { OwnView } from '../../../src/replication/view/own-view.ts'
import { at, forSeeds, many, peerAt } from './support/seeds.ts'

const key = at(0)
const view = new OwnView(
  peerAt(1),
  many(30, () => 0).map((_, i) => peerAt(i + 2)),
)
/** The others, nearest first; self is nearer than all of them. */
const near = view.closest(keyOf(key), 31).filter((peer) => peer !== view.self)

/** `takes` holds it once it was told. */
/** `learns` holds it once it was told twice. */
type Peer = 'holds' | 'takes' | 'learns' | 'full' | 'silent'

/** Does what the table says until nothing is left to do. */
function play(table: UnderReplicated, peers: readonly Peer[]) {
  const told: number[] = []
  const asked: number[] = []
  const twice = (place: number) => told.filter((other) => other === place).length > 1
  let looks = 0
  let watched = false
  for (let now = table.nextAt as number; table.size > 0 && !watched; looks++) {
    assert.ok(looks <= options.extendLooks, 'it ends')
    for (let actions = table.step(view, now); actions.length > 0; actions = table.step(view, now)) {
      for (const action of actions) {
        const place = near.indexOf(action.peer)
        const peer = peers[place] ?? 'takes'
        if (action.kind === 'tell') told.push(place)
        else {
          asked.push(place)
          const present =
            peer === 'holds' || (peer === 'takes' && told.includes(place)) || (peer === 'learns' && twice(place))
          table.answered(action.peer, peer === 'silent' ? undefined : action.keys.map((key) => ({ key, present })))
        }
      }
    }
    watched = (table.nextAt ?? 0) - now >= options.extendWatchMs
    now = table.nextAt as number
  }
  return { told, asked, looks, watched }
}
const start = (lacking: readonly number[]) => {
  const table = new UnderReplicated(options)
  for (const place of lacking) table.lacks(key, near[place] as PeerId, 0)
  if (lacking.length === 0) table.doubt(key, 0)
  return table
}
const holders: Peer[] = ['holds', 'holds', 'holds', 'holds', 'holds', 'holds']

test('a doubt without ground ends with one look, after a while', () => {
  const table = start([])
  assert.equal(table.nextAt, options.extendDelayMs)
  assert.deepEqual(table.step(view, options.extendDelayMs - 1), [])
  assert.deepEqual(play(table, holders), {
    ...{ told: [], asked: [0, 1, 2, 3, 4, 5], looks: 1, watched: false },
  })
})

test('who was caught without it is passed over, and the next nearest is told', () => {
  const { told, asked, watched } = play(start([2]), holders)
  assert.deepEqual([told, watched], [[6], true])
  assert.ok(!asked.includes(2), 'its word does not count')
})

test('who says that it lacks the key is told of it, who says so three times is passed over', () => {
  const late = play(start([]), holders.with(1, 'takes'))
  assert.deepEqual([late.told, late.looks], [[1], 2])
  assert.deepEqual(play(start([]), holders.with(1, 'full')).told, [1, 1, 6])
  // It knew nothing of the payment at first.
  assert.deepEqual(play(start([1]), [...holders, 'learns']).told, [6, 6])
})

test('up to the storage width for one or two that lack it, up to the acceptance width for more', () => {
  const full = (...places: number[]) => near.map((_, i): Peer => (places.includes(i) ? 'full' : 'takes'))
  // Self and eight others make the storage width.
  assert.deepEqual(new Set(play(start([0, 1]), full(0, 1, 6, 7)).told), new Set([2, 3, 4, 5, 6, 7]))
  assert.deepEqual(new Set(play(start([0, 1]), full(0, 1)).told), new Set([2, 3, 4, 5, 6, 7]))
  const { told } = play(start([0, 1, 2]), full(0, 1, 2, 6, 7, 8))
  assert.deepEqual(new Set(told), new Set([3, 4, 5, 6, 7, 8, 9, 10, 11]))
  const none = play(start([0, 1, 2]), full(...near.keys()))
  assert.ok(none.told.every((place) => place < options.acceptanceWidth - 1))
})

test('whoever is silent neither holds nor lacks it: it is told twice, and given up after some looks', () => {
  const { told, looks } = play(start([]), holders.with(3, 'silent'))
  assert.deepEqual([told, looks], [[3, 3], options.extendLooks])
})

test('whatever the peers are like it ends, and tells nobody more than twice', () => {
  forSeeds(200, (random, seed) => {
    const kinds: Peer[] = ['holds', 'takes', 'learns', 'full', 'silent']
    const peers = near.map(() => kinds[randomBelow(random, kinds.length)] as Peer)
    const { told } = play(start(near.map((_, i) => i).filter(() => randomBelow(random, 10) === 0)), peers)
    assert.ok(
      told.every((place) => told.filter((other) => other === place).length <= 2),
      `seed ${seed}`,
    )
    assert.ok(
      told.every((place) => place < options.acceptanceWidth - 1),
      `seed ${seed}`,
    )
  })
})

test('it is bounded, and forgets what is not held here any more', () => {
  const table = new UnderReplicated({ ...options, extendKeys: 2 })
  for (const first of [0, 1, 2]) table.lacks(at(first), peerAt(9), 0)
  assert.equal(table.size, 2)
  const questions = table.step(view, options.extendDelayMs)
  table.forget(at(0))
  table.forget(at(1))
  for (const action of questions)
    if (action.kind === 'ask')
      table.answered(
        action.peer,
        action.keys.map((key) => ({ key, present: false })),
      )
  assert.deepEqual([table.size, table.nextAt, table.step(view, 2 * options.extendDelayMs)], [0, undefined, []])
})

test('copies outside of the group are looked at once an hour, and soon when one of their holders is gone', () => {
  const table = start([2])
  assert.ok(play(table, holders).watched)
  const at = table.nextAt as number
  table.gone(near[20] as PeerId, at - 5000 - options.extendDelayMs)
  assert.equal(table.nextAt, at, 'it did not hold it')
  table.gone(near[6] as PeerId, at - 5000 - options.extendDelayMs)
  assert.equal(table.nextAt, at - 5000)
  // Whoever lacked it may have room by now.
  const { asked, watched } = play(table, ['holds', 'holds', 'holds', 'holds', 'holds', 'holds'])
  assert.deepEqual([asked, watched, table.size], [[0, 1, 2, 3, 4, 5], false, 0])
})

test('what is watched gives way to news', () => {
  const table = new UnderReplicated({ ...options, extendKeys: 1 })
  table.lacks(key, near[2] as PeerId, 0)
  assert.ok(play(table, holders).watched)
  table.doubt(at(7), table.nextAt as number)
  assert.equal(table.size, 1)
  assert.equal(
    play(
      table,
      near.map(() => 'holds'),
    ).told.length,
    0,
  )
})
