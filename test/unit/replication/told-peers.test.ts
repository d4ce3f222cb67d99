/** Since when hints are news for a peer: what it heard itself, and all of it again now and then. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { hour, minute } from '../../../src/base/index.ts'
import { REPLICATION_DEFAULTS } from '../../../src/replication/options.ts'
import { type Moment, ToldPeers } from '../../../src/replication/sync/told-peers.ts'
import { OwnView } from '../../../src/replication/view/own-view.ts'
import { peerAt } from './support/seeds.ts'

const [ALICE, BOB, SELF] = [peerAt(1), peerAt(2), peerAt(9)]
const view = new OwnView(SELF, [ALICE, BOB])
const moment = (at: number): Moment => ({ at, view, place: at })
const FULL = { full: true, bootstrapping: false }
const NEWS = { full: false, bootstrapping: false }

test('all at first, then what is new; all again after one, two, four and every six hours', () => {
  const told = new ToldPeers(REPLICATION_DEFAULTS)
  const whole: number[] = []
  for (let now = 0; now <= 26 * hour; now += 30 * minute) {
    const since = told.since(ALICE, 'stored', now)
    if (!since) whole.push(now / hour)
    else assert.equal(since.at, now - 30 * minute, 'since it heard us last')
    told.heard(ALICE, 'stored', moment(now), since ? NEWS : FULL)
  }
  assert.deepEqual(whole, [0, 1, 3, 7, 13, 19, 25])
  assert.equal(told.since(ALICE, 'paid', 26 * hour), undefined, 'each kind for itself')
  assert.equal(told.since(BOB, 'stored', 26 * hour), undefined)
  told.forget(ALICE)
  assert.equal(told.since(ALICE, 'stored', 26 * hour), undefined)
})

test('who joins hears all again after ten minutes, and is told less often only when it has caught up', () => {
  const told = new ToldPeers(REPLICATION_DEFAULTS)
  told.heard(ALICE, 'paid', moment(0), { full: true, bootstrapping: true })
  assert.ok(told.since(ALICE, 'paid', 10 * minute - 1))
  assert.equal(told.since(ALICE, 'paid', 10 * minute), undefined)
  told.heard(ALICE, 'paid', moment(10 * minute), FULL)
  assert.ok(told.since(ALICE, 'paid', 70 * minute - 1))
  assert.equal(told.since(ALICE, 'paid', 70 * minute), undefined)
})

test('who had caught up and joins again is told all', () => {
  const told = new ToldPeers(REPLICATION_DEFAULTS)
  told.heard(ALICE, 'stored', moment(0), { full: true, bootstrapping: true })
  told.joins(ALICE)
  assert.ok(told.since(ALICE, 'stored', minute), 'still joining')
  told.heard(ALICE, 'stored', moment(2 * minute), FULL)
  assert.ok(told.since(ALICE, 'stored', 3 * minute))
  told.joins(ALICE)
  assert.equal(told.since(ALICE, 'stored', 3 * minute), undefined)
})

test('an answer that comes late does not make news old again; news without a whole list count for nothing', () => {
  const told = new ToldPeers(REPLICATION_DEFAULTS)
  told.heard(BOB, 'stored', moment(5), NEWS)
  assert.equal(told.since(BOB, 'stored', 6), undefined)
  told.heard(BOB, 'stored', moment(10), FULL)
  told.heard(BOB, 'stored', moment(30), NEWS)
  told.heard(BOB, 'stored', moment(20), NEWS)
  assert.equal(told.since(BOB, 'stored', 40)?.at, 30)
  told.clear()
  assert.equal(told.since(BOB, 'stored', 40), undefined)
})

test('groups that it left and came back to are news again, until it has heard them; too many, and it is told all', () => {
  const told = new ToldPeers(REPLICATION_DEFAULTS)
  const views = Array.from({ length: 20 }, () => new OwnView(SELF, [BOB]))
  const gaps = (now: number) => told.since(ALICE, 'stored', now)?.gaps
  told.regained(ALICE, 'stored', views[0] as OwnView, 1)
  assert.equal(gaps(1), undefined, 'it was told nothing')
  told.heard(ALICE, 'stored', moment(10), FULL)
  told.regained(ALICE, 'stored', view, 20)
  assert.deepEqual(gaps(20), [], 'it had heard since')
  told.regained(ALICE, 'stored', views[1] as OwnView, 30)
  told.regained(ALICE, 'stored', views[2] as OwnView, 40)
  assert.deepEqual(gaps(40), views.slice(1, 3))
  told.heard(ALICE, 'stored', moment(35), NEWS)
  assert.deepEqual(gaps(40), [views[2]], 'a list that was made between')
  told.heard(ALICE, 'stored', moment(41), NEWS)
  assert.deepEqual(gaps(42), [])
  for (const each of views.slice(0, 9)) told.regained(ALICE, 'stored', each, 50)
  assert.equal(told.since(ALICE, 'stored', 50), undefined)
})
