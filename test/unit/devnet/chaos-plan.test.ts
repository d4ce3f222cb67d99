/** The rules that every plan keeps, over many seeds, and that a plan is its seed. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { hour, minute, seededRandom } from '../../../src/base/index.ts'
import { LEAST_SOUND, MOST_OUT, objection } from '../../../src/devnet/chaos/guard.ts'
import { planChaos, replacementsOf, sentenceOfUpheaval, UPHEAVALS } from '../../../src/devnet/chaos/plan.ts'

const SEEDS = 300
const REQUEST = { nodes: 10, durationMs: 10 * minute, everyMs: 5_000, churn: 60, mostOut: MOST_OUT }

const plans = Array.from({ length: SEEDS }, (_, seed) => ({ seed, plan: planChaos(REQUEST, seededRandom(seed)) }))
/** Slots that an upheaval is about. */
const slotsOf = ({ slot, other }: { slot: number; other?: number }) => (other === undefined ? [slot] : [slot, other])

test('the same seed gives the same plan, another one another', () => {
  const again = planChaos(REQUEST, seededRandom(7))
  assert.deepEqual(again, plans[7]?.plan)
  assert.notDeepEqual(again, plans[8]?.plan)
})

test('never are more nodes in trouble at a time than the network may lose', () => {
  for (const { seed, plan } of plans) {
    const troubles = plan.filter(({ kind }) => kind !== 'cut')
    for (const { at } of troubles) {
      const now = troubles.filter((event) => event.at <= at && at < event.at + Math.max(event.forMs, 1))
      assert.ok(now.length <= MOST_OUT, `seed ${seed}: ${now.length} at ${at}`)
    }
    assert.ok(plan.length > 20, `seed ${seed}: only ${plan.length} upheavals`)
  }
})

test('a node has one trouble at a time, and a rest after it', () => {
  for (const { seed, plan } of plans) {
    for (const [i, event] of plan.entries()) {
      const slots = slotsOf(event)
      assert.equal(new Set(slots).size, slots.length, `seed ${seed}: ${JSON.stringify(event)}`)
      for (const slot of slots) {
        assert.ok(slot >= 0 && slot < REQUEST.nodes, `seed ${seed}: slot ${slot}`)
        const next = plan.slice(i + 1).find((later) => slotsOf(later).includes(slot))
        if (next) assert.ok(next.at >= event.at + event.forMs + REQUEST.everyMs, `seed ${seed}: slot ${slot}`)
      }
    }
  }
})

test('all is in the order of time and undone before the end', () => {
  for (const { seed, plan } of plans) {
    for (const [i, { at, forMs }] of plan.entries()) {
      assert.ok(at >= (plan[i - 1]?.at ?? 0) && at + forMs <= REQUEST.durationMs, `seed ${seed}: ${at} ${forMs}`)
    }
  }
})

test('as many are replaced as the churn says, and none without', () => {
  const wanted = Math.round((REQUEST.nodes * REQUEST.churn * REQUEST.durationMs) / (100 * hour))
  assert.equal(replacementsOf(REQUEST), wanted)
  assert.equal(replacementsOf({ nodes: 10, churn: 30, durationMs: 5 * minute }), 0)
  for (const { seed, plan } of plans)
    assert.equal(plan.filter(({ kind }) => kind === 'replace').length, wanted, `seed ${seed}`)
  const still = planChaos({ ...REQUEST, churn: 0 }, seededRandom(1))
  assert.ok(still.every(({ kind }) => kind !== 'replace'))
})

test('every kind comes, and each has a sentence of its own', () => {
  const all = plans.flatMap(({ plan }) => plan)
  for (const kind of UPHEAVALS) {
    const one = all.find((event) => event.kind === kind)
    assert.ok(one, `${kind} never came`)
    assert.match(sentenceOfUpheaval(one), new RegExp(`\\b${one.slot}\\b`))
  }
  assert.equal(new Set(UPHEAVALS.map((kind) => sentenceOfUpheaval({ at: 0, kind, slot: 1, forMs: 1 }))).size, 9)
})

test('hardly any time or the fewest nodes: a plan all the same, or none', () => {
  for (let seed = 0; seed < 50; seed++) {
    assert.deepEqual(planChaos({ ...REQUEST, durationMs: 1 }, seededRandom(seed)), [])
    const one = planChaos({ ...REQUEST, nodes: 1, mostOut: 1 }, seededRandom(seed))
    assert.ok(
      one.every(({ slot, kind }) => slot === 0 && kind !== 'cut'),
      `seed ${seed}`,
    )
  }
})

const situation = (holders: readonly number[], out: readonly number[] = []) => ({
  holders: new Map([['ab'.repeat(32), new Set(holders)]]),
  out: new Set(out),
})

test('of the holders of a chunk three may be out, and one is always in', () => {
  const seven = [0, 1, 2, 3, 4, 5, 6]
  assert.equal(objection('kill', 0, situation(seven, [1, 2])), undefined)
  assert.match(objection('kill', 0, situation(seven, [1, 2, 3])) ?? '', /3 holders/)
  assert.equal(objection('kill', 9, situation(seven, [1, 2, 3])), undefined, 'it holds nothing of it')
  assert.equal(objection('kill', 0, situation(seven, [1, 2, 8, 9])), undefined, 'others that are out do not count')
  assert.match(objection('freeze', 0, situation([0, 1], [1])) ?? '', /no holder/)
  assert.equal(objection('fill', 0, situation([0], [])), undefined, 'a full disk is read')
  assert.equal(objection('cut', 0, situation([0], [])), undefined)
})

test('copies are destroyed only where enough sound ones are left', () => {
  for (const kind of ['corrupt', 'replace'] as const) {
    const holders = Array.from({ length: LEAST_SOUND + 1 }, (_, slot) => slot)
    assert.equal(objection(kind, 0, situation(holders)), undefined)
    assert.match(objection(kind, 0, situation(holders.slice(1).concat(0).slice(1))) ?? '', /only 4 sound/)
    assert.equal(objection(kind, 9, situation([1, 2])), undefined)
  }
})
