import assert from 'node:assert/strict'
import { test } from 'node:test'
import { blake3 } from '@noble/hashes/blake3.js'
import { never, Registry, seededRandom } from '../../../src/base/index.ts'
import { backend, type Verifier } from '../../../src/crypto/index.ts'
import {
  createFreeVerifier,
  createLocalPayer,
  createRequiredVerifier,
  LOCAL_PROOF_BYTES,
  type PaymentContext,
  type PaymentVerifier,
  verifyLocalProof,
} from '../../../src/payment/index.ts'
import { chunkAddressOf } from '../../../src/protocol/index.ts'
import { SimClock, SimSignatures } from '../../../src/sim/index.ts'

const signatures = new SimSignatures(backend(), seededRandom(1))
const payer = createLocalPayer(signatures.createSigner(seededRandom(2)), new SimClock())
const address = chunkAddressOf(blake3(Uint8Array.of(1)))
const other = chunkAddressOf(blake3(Uint8Array.of(2)))

async function localProof(of = address): Promise<Uint8Array> {
  const [proof] = await payer.pay([{ address: of, size: 1 }], { signal: never })
  return proof as Uint8Array
}

function judge(verifier: PaymentVerifier, proof?: Uint8Array, context: PaymentContext = 'clientPut', of = address) {
  return verifier.verifyPayment(of, proof, context, { signal: never })
}

const tagged = (tag: number) => new Uint8Array(100).fill(tag, 0, 1)

test('a local proof is bound to its address, key, time and version', async () => {
  const proof = await localProof()
  assert.equal(proof.length, LOCAL_PROOF_BYTES)
  assert.equal(LOCAL_PROOF_BYTES, 5271)
  assert.equal(proof[0], 0xf0)
  assert.equal(await verifyLocalProof(signatures, address, proof), true)
  assert.equal(await verifyLocalProof(signatures, other, proof), false)
  for (const at of [0, 1, 2, 1953, 1954, 1961, 1962, 5270 - 3308]) {
    const changed = proof.slice()
    changed[at] = (changed[at] as number) ^ 1
    assert.equal(await verifyLocalProof(signatures, address, changed), false, `byte ${at}`)
  }
  assert.equal(await verifyLocalProof(signatures, address, proof.subarray(0, -1)), false)
  assert.equal(await verifyLocalProof(signatures, address, Uint8Array.from([...proof, 0])), false)
})

test('the payer gives one proof an address, in order, and stops when told', async () => {
  const asked = [address, other].map((of) => ({ address: of, size: 1 }))
  const [first, second] = (await payer.pay(asked, { signal: never })) as [Uint8Array, Uint8Array]
  assert.equal(await verifyLocalProof(signatures, address, first), true)
  assert.equal(await verifyLocalProof(signatures, other, second), true)
  await assert.rejects(payer.pay(asked, { signal: AbortSignal.abort(new Error('enough')) }), /enough/)
})

test('free: a valid local proof is accepted, all else is required or refused by name', async () => {
  const free = createFreeVerifier(signatures)
  assert.deepEqual(await judge(free), { kind: 'required', message: `Payment required for new data ${address}` })
  assert.deepEqual(await judge(free, tagged(0x07)), {
    kind: 'refused',
    message: 'Unknown payment proof type tag: 0x07',
  })
  const refused = async (proof: Uint8Array, why: RegExp) => {
    const verdict = await judge(free, proof)
    assert.equal(verdict.kind, 'refused')
    assert.match(verdict.kind === 'refused' ? verdict.message : '', why)
  }
  await refused(new Uint8Array(31).fill(0xf0), /31 bytes, 32 to 524288/)
  await refused(new Uint8Array(524_289).fill(0xf0), /524289 bytes/)
  await refused(tagged(0xf0), /verification failed/)
  await refused(await localProof(other), /verification failed/)
  await refused(tagged(1), /no payments.*not singleNode/)
  await refused(tagged(2), /no payments.*not merkle/)
  assert.deepEqual(await judge(free, await localProof()), { kind: 'accepted' })
})

test('required: asks everybody, refuses local proofs as a stock node would', async () => {
  const required = createRequiredVerifier()
  const asked = { kind: 'required', message: `Payment required for new data ${address}` }
  assert.deepEqual(await judge(required), asked)
  assert.deepEqual(await judge(required, tagged(1)), asked)
  assert.deepEqual(await judge(required, tagged(2)), asked)
  assert.deepEqual(await judge(required, await localProof()), {
    kind: 'refused',
    message: 'Unknown payment proof type tag: 0xf0',
  })
  assert.equal((await judge(required, tagged(1).subarray(0, 31))).kind, 'refused')
  assert.deepEqual(await judge(required), asked, 'nothing was remembered')
})

test('an accepted address needs no proof again, a stronger entry serves a weaker question only', async () => {
  let verified = 0
  const counting: Verifier = {
    verify: (...all) => {
      verified++
      return signatures.verify(...all)
    },
  }
  const registry = new Registry()
  const free = createFreeVerifier(counting, { registry })
  await judge(free, await localProof(), 'paidListAdmission')
  assert.equal((await judge(free, undefined, 'clientPut')).kind, 'required')
  assert.equal((await judge(free, undefined, 'paidListAdmission')).kind, 'accepted')
  await judge(free, await localProof(), 'freshReplication')
  assert.equal((await judge(free, undefined, 'clientPut')).kind, 'accepted')
  assert.equal((await judge(free, undefined, 'paidListAdmission')).kind, 'accepted')
  assert.equal((await judge(free, tagged(3), 'clientPut')).kind, 'accepted', 'the proof is not read')
  await judge(free, await localProof(), 'paidListAdmission')
  assert.equal((await judge(free, undefined, 'clientPut')).kind, 'accepted', 'a weaker entry does not weaken')
  assert.equal(verified, 2)
  assert.match(registry.render(), /verdicts_total\{verdict="cached"\} 6/)
})

test('the cache is bounded; refused proofs are not in it', async () => {
  const free = createFreeVerifier(signatures, { options: { cacheEntries: 1 } })
  await judge(free, tagged(0xf0))
  assert.equal((await judge(free)).kind, 'required')
  await judge(free, await localProof())
  await judge(free, await localProof(other), 'clientPut', other)
  assert.equal((await judge(free, undefined, 'clientPut', other)).kind, 'accepted')
  assert.equal((await judge(free)).kind, 'required')
})
