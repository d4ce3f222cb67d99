import assert from 'node:assert/strict'
import { test } from 'node:test'
import { defaultAuditOptions, Retention, signTree, subtreeSpan } from '../../../src/audit/index.ts'
import { KiB, MiB, never, second, seededRandom } from '../../../src/base/index.ts'
import { backend } from '../../../src/crypto/index.ts'
import { type ChunkAddress, chunkAddressOf, peerIdOf, peerIdOfPublicKey } from '../../../src/protocol/index.ts'
import { SubtreeResponder } from '../../../src/replication/audits/subtree-responder.ts'
import { SimClock, SimSignatures } from '../../../src/sim/index.ts'
import { createMemoryChunkStore } from '../../../src/storage/index.ts'
import { treeOf } from '../audit/world.ts'

const CHUNKS = 64
const random = seededRandom(9)

/** A responder over real chunks of 64 KiB, with a burst of 1 MiB that refills at 64 KiB a second. */
async function responder() {
  const clock = new SimClock()
  const store = createMemoryChunkStore()
  await store.start(never)
  const keys: ChunkAddress[] = []
  for (let i = 0; i < CHUNKS; i++) {
    const content = random.bytes(64 * KiB)
    const address = chunkAddressOf(backend().blake3(content))
    await store.put(address, content)
    keys.push(address)
  }
  const signer = new SimSignatures(backend(), random).createSigner(random)
  const retention = new Retention()
  const signed = await signTree(treeOf(keys), signer)
  retention.rotate(signed, clock.now())
  retention.show(clock.now())
  const self = peerIdOfPublicKey(signer.publicKey)
  const options = { ...defaultAuditOptions, workBurstBytes: MiB, workRefillBytesPerSecond: 64 * KiB }
  const made = new SubtreeResponder(
    { self, clock, auditStore: store, bootstrapping: () => false, kernels: backend() },
    { retention },
    options,
  )
  const challenge = () => ({
    ...{ kind: 'subtreeAuditChallenge' as const, challengeId: 1n, nonce: random.bytes(32), challengedPeer: self },
    expectedCommitmentHash: Buffer.from(signed.pin, 'hex'),
  })
  /** By a peer that never asked before. */
  const ask = () => made.roundOne(peerIdOf(random.bytes(32)), challenge(), never)
  return { ask, clock, store, keys }
}

async function servedUntilSilent(ask: () => Promise<unknown>): Promise<number> {
  let served = 0
  while (served < 100 && (await ask()) !== undefined) served++
  return served
}

test('28.2 budget: after the burst no round 1 is served until the bucket is positive', async () => {
  const { ask, clock } = await responder()
  const perRound = subtreeSpan(CHUNKS) * 64 * KiB
  assert.equal(await servedUntilSilent(ask), MiB / perRound)
  clock.moveTo(clock.monotonic() + second - 1)
  assert.ok(await ask(), 'a positive balance admits one, whatever it costs')
  clock.moveTo(clock.monotonic() + (perRound / (64 * KiB)) * second - second)
  assert.equal(await ask(), undefined, 'the debt of that one is not paid yet')
  clock.moveTo(clock.monotonic() + second)
  assert.ok(await ask())
})

test('28.2 budget: a round that ends in a refusal is work too', async () => {
  const { ask, store, keys } = await responder()
  // The last leaf of every subtree is gone: all others are read and hashed first.
  const span = subtreeSpan(CHUNKS)
  for (const [i, key] of [...keys].sort().entries()) if (i % span === span - 1) await store.delete(key)
  const served = await servedUntilSilent(ask)
  assert.ok(served < 4, `${served} rounds were read for nothing`)
})
