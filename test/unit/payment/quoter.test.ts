import assert from 'node:assert/strict'
import { test } from 'node:test'
import { blake3 } from '@noble/hashes/blake3.js'
import { Registry, seededRandom } from '../../../src/base/index.ts'
import { backend } from '../../../src/crypto/index.ts'
import {
  bindingFault,
  createQuoter,
  decodeCandidate,
  decodeQuote,
  priceOf,
  verifyCandidateSignature,
  verifyQuoteSignature,
} from '../../../src/payment/index.ts'
import { SIM_EPOCH_MS, SimClock, SimSignatures } from '../../../src/sim/index.ts'

const signatures = new SimSignatures(backend(), seededRandom(1))
const signer = signatures.createSigner(seededRandom(2))
const content = blake3(Uint8Array.of(1))

test('without a commitment: count 0, base price, no pin, zero rewards address', async () => {
  const clock = new SimClock(SIM_EPOCH_MS + 789)
  const { bytes, commitment } = await createQuoter({ signer, clock }).quote(content)
  const quote = decodeQuote(bytes)
  assert.equal(commitment, undefined)
  assert.deepEqual(quote.content, content)
  assert.deepEqual(quote.timestamp, { seconds: BigInt(SIM_EPOCH_MS / 1000), nanos: 789_000_000 })
  assert.deepEqual([quote.price, quote.committedKeyCount, quote.commitmentPin], [priceOf(0), 0, undefined])
  assert.deepEqual(quote.rewardsAddress, new Uint8Array(20))
  assert.deepEqual(quote.publicKey, signer.publicKey)
  assert.equal(bindingFault(quote), undefined)
  assert.equal(await verifyQuoteSignature(quote, signatures), true)
})

test('with a commitment: its count, its price, its pin, its sidecar, for quotes and candidates', async () => {
  const shown = { keyCount: 6000, pin: blake3(Uint8Array.of(2)), encoded: Uint8Array.of(9, 9) }
  let asked = 0
  const commitments = { show: () => Promise.resolve(asked++).then(() => shown) }
  const rewardsAddress = new Uint8Array(20).fill(7)
  const registry = new Registry()
  const quoter = createQuoter({ signer, clock: new SimClock(), rewardsAddress, commitments, registry })
  const quoted = await quoter.quote(content)
  const quote = decodeQuote(quoted.bytes)
  assert.deepEqual(quoted.commitment, shown.encoded)
  assert.deepEqual([quote.price, quote.commitmentPin], [39_062_500_000_000_000n, shown.pin])
  assert.deepEqual(quote.rewardsAddress, rewardsAddress)
  assert.equal(bindingFault(quote), undefined)
  const candidate = decodeCandidate((await quoter.candidate(1_790_000_000n)).bytes)
  assert.deepEqual([candidate.timestamp, candidate.committedKeyCount], [1_790_000_000n, 6000])
  assert.equal(bindingFault(candidate), undefined)
  assert.equal(await verifyCandidateSignature(candidate, signatures), true)
  assert.equal(asked, 2)
  assert.match(registry.render(), /myrmex_payment_quotes_total 2/)
})

test('a failing signer or commitment is one coded error with its cause', async () => {
  const cause = new Error('no key')
  const failing = { publicKey: signer.publicKey, sign: () => Promise.reject(cause) }
  const unsigned = createQuoter({ signer: failing, clock: new SimClock() })
  await assert.rejects(unsigned.quote(content), { code: 'PAYMENT_QUOTE_FAILED', cause })
  const commitments = { show: () => Promise.reject(cause) }
  const uncommitted = createQuoter({ signer, clock: new SimClock(), commitments })
  await assert.rejects(uncommitted.candidate(1n), { code: 'PAYMENT_QUOTE_FAILED', cause })
})

test('the binding rule, in its order', () => {
  const pin = new Uint8Array(32)
  assert.equal(bindingFault({ price: 0n, committedKeyCount: 1 }), 'shape')
  assert.equal(bindingFault({ price: priceOf(0), committedKeyCount: 0, commitmentPin: pin }), 'shape')
  const tooMany = { price: priceOf(1_000_001), committedKeyCount: 1_000_001, commitmentPin: pin }
  assert.equal(bindingFault(tooMany), 'tooManyKeys')
  for (const count of [1, 2, 1_000_000]) {
    const priced = { committedKeyCount: count, commitmentPin: pin }
    assert.equal(bindingFault({ ...priced, price: priceOf(count) }), undefined)
    assert.equal(bindingFault({ ...priced, price: priceOf(count) + 1n }), 'offCurve')
    assert.equal(bindingFault({ ...priced, price: priceOf(count) - 1n }), 'offCurve')
  }
})
