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
type Peer = 'holds' | 'takes' | 'full' | 'silent'

/** Does what the table says until nothing is left to do. */
function play(table: UnderReplicated, peers: readonly Peer[]) {
  const told: number[] = []
  const asked: number[] = []
  let looks = 0
  for (; table.size > 0; looks++) {
    assert.ok(looks <= options.extendLooks, 'it ends')
    const now = table.nextAt as number
    for (let actions = table.step(view, now); actions.length > 0; actions = table.step(view, now)) {
      for (const action of actions) {
        const place = near.indexOf(action.peer)
        const peer = peers[place] ?? 'takes'
        if (action.kind === 'tell') told.push(place)
        else {
          asked.push(place)
          const present = peer === 'holds' || (peer === 'takes' && told.includes(place))
          table.answered(action.peer, peer === 'silent' ? undefined : action.keys.map((key) => ({ key, present })))
        }
      }
    }
  }
  return { told, asked, looks }
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
  assert.deepEqual(play(table, holders), { told: [], asked: [0, 1, 2, 3, 4, 5], looks: 1 })
})

test('who was caught without it is passed over, and the next nearest is told', () => {
  const { told, asked } = play(start([2]), holders)
  assert.deepEqual(told, [6])
  assert.ok(!asked.includes(2), 'its word does not count')
})

test('who says once that it lacks the key is told of it, who says so twice is passed over', () => {
  const late = play(start([]), holders.with(1, 'takes'))
  assert.deepEqual([late.told, late.looks], [[1], 2])
  assert.deepEqual(play(start([]), holders.with(1, 'full')).told, [1, 6])
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

test('whoever is silent neither holds nor lacks it: it is told once, and given up after some looks', () => {
  const { told, looks } = play(start([]), holders.with(3, 'silent'))
  assert.deepEqual([told, looks], [[3], options.extendLooks])
})

test('whatever the peers are like it ends, tells nobody twice, and only until seven hold it', () => {
  forSeeds(200, (random, seed) => {
    const kinds: Peer[] = ['holds', 'takes', 'full', 'silent']
    const peers = near.map(() => kinds[randomBelow(random, kinds.length)] as Peer)
    const { told } = play(start(near.map((_, i) => i).filter(() => randomBelow(random, 10) === 0)), peers)
    assert.equal(new Set(told).size, told.length, `seed ${seed}`)
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
