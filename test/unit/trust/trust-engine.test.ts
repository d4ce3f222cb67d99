import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { TRUST_EVENTS, TrustEngine } from '../../../src/trust/index.ts'
import { peerOf } from '../dht/support/addresses.ts'

const HOUR = 3_600_000
const DAY = 24 * HOUR
const peer = peerOf('subject')
const near = (actual: number, expected: number, tolerance = 1e-9) =>
  assert.ok(Math.abs(actual - expected) <= tolerance, `${actual} is not ${expected}`)
const replaceable = (trust: TrustEngine, who: typeof peer, now: number) =>
  trust.scoreOf(who, now) < trust.options.swapThreshold
const fail = (weight = 1) => ({ success: false, weight })

test('an unknown peer is neutral and reading remembers nobody', () => {
  const trust = new TrustEngine()
  assert.equal(trust.scoreOf(peer, 0), 0.5)
  assert.equal(trust.size, 0)
})

test('unit failures: 0.438, 0.3837, 0.3361; one does not cross 0.35, three do', () => {
  const trust = new TrustEngine()
  const scores = [1, 2, 3].map(() => trust.observe(peer, fail(), 0))
  near(scores[0] as number, 0.438)
  near(scores[1] as number, 0.383688)
  near(scores[2] as number, 0.336110688)
  assert.equal(replaceable(trust, peer, 0), true)
})

test('one heavy failure crosses at once; one heavy success protects', () => {
  const trust = new TrustEngine()
  near(trust.observe(peer, fail(5), 0), 0.5 * 0.876 ** 5)
  assert.equal(replaceable(trust, peer, 0), true)
  const other = peerOf('other')
  near(trust.observe(other, { success: true, weight: 5 }, 0), 1 - 0.5 * 0.876 ** 5)
  assert.ok(trust.scoreOf(other, 0) >= trust.options.protectionThreshold)
})

test('decay goes to neutral from both sides; the worst score passes 0.35 after a day, not before', () => {
  const trust = new TrustEngine()
  trust.import([{ peer, score: 0 }], 0)
  assert.ok(replaceable(trust, peer, 20 * HOUR))
  assert.ok(!replaceable(trust, peer, DAY))
  near(trust.scoreOf(peer, DAY), 0.5 - 0.5 * Math.exp(-1.394e-5 * 86_400))
  trust.import([{ peer, score: 1 }], 0)
  near(trust.scoreOf(peer, DAY), 0.5 + 0.5 * Math.exp(-1.394e-5 * 86_400))
})

test('a weight that is zero, negative or no number changes nothing', () => {
  const trust = new TrustEngine()
  for (const weight of [0, -1, Number.NaN, Number.POSITIVE_INFINITY]) trust.observe(peer, fail(weight), 0)
  assert.equal(trust.size, 0)
})

test('weight 3 is exactly three units; the engine does not clamp, the application layer does', () => {
  const [a, b] = [new TrustEngine(), new TrustEngine()]
  a.observe(peer, fail(3), 0)
  for (let i = 0; i < 3; i++) b.observe(peer, fail(), 0)
  near(a.scoreOf(peer, 0), b.scoreOf(peer, 0), 1e-12)
  near(a.observe(peerOf('x'), fail(50), 0), 0.5 * 0.876 ** 50)
  near(a.report(peerOf('y'), fail(50), 0), 0.5 * 0.876 ** 5)
})

test('imported scores begin without decay; what is no number becomes neutral, the rest is clamped', () => {
  const copy = new TrustEngine()
  copy.import([{ peer, score: 0.438 }], 50 * DAY)
  near(copy.scoreOf(peer, 50 * DAY), 0.438)
  copy.import([{ peer, score: Number.NaN }], 0)
  assert.equal(copy.scoreOf(peer, 0), 0.5)
  copy.import([{ peer, score: 7 }], 0)
  assert.equal(copy.scoreOf(peer, 0), 1)
})

test('what costs nothing: wrong identity, a DHT answer', () => {
  const trust = new TrustEngine()
  trust.event(peer, 'identityMismatch', 0)
  trust.event(peer, 'dhtAnswer', 0)
  assert.equal(trust.scoreOf(peer, 0), 0.5)
  assert.deepEqual(TRUST_EVENTS.auditFailed, { success: false, weight: 5 })
})

test('a swap threshold outside [0, 0.5) is refused; 0 is never eligible', () => {
  for (const swapThreshold of [-0.1, 0.5, 1, Number.NaN]) {
    assert.throws(() => new TrustEngine({ swapThreshold }), { code: 'TRUST_OPTIONS' })
  }
  const trust = new TrustEngine({ swapThreshold: 0 })
  trust.import([{ peer, score: 0 }], 0)
  assert.equal(replaceable(trust, peer, 0), false)
})

test('memory is bounded and scores stay in [0, 1] whatever happens', () => {
  const event = fc.record({
    who: fc.integer({ min: 0, max: 40 }),
    success: fc.boolean(),
    weight: fc.oneof(fc.double(), fc.constantFrom(1, 5)),
    after: fc.integer({ min: 0, max: 10 * DAY }),
  })
  fc.assert(
    fc.property(fc.array(event, { maxLength: 200 }), (events) => {
      const trust = new TrustEngine({ maxPeers: 16 })
      let now = 0
      for (const { who, success, weight, after } of events) {
        const score = trust.observe(peerOf(`p${who}`), { success, weight }, (now += after))
        assert.ok(score >= 0 && score <= 1)
        assert.ok(trust.size <= 16)
      }
    }),
  )
})
