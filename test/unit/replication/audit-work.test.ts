/** Answers to audits: the work ends with its asker, and what was read is given back. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Retention, signTree, subtreePlan } from '../../../src/audit/index.ts'
import { Aborted, fromHex, never, seededRandom } from '../../../src/base/index.ts'
import { backend } from '../../../src/crypto/index.ts'
import { type ChunkAddress, chunkAddressOf, peerIdOfPublicKey } from '../../../src/protocol/index.ts'
import { SubtreeResponder } from '../../../src/replication/audits/subtree-responder.ts'
import { SimClock, SimSignatures } from '../../../src/sim/index.ts'
import { createMemoryChunkStore } from '../../../src/storage/index.ts'
import { treeOf } from '../audit/world.ts'
import { auditee, SEED } from './support/auditee.ts'
import { peerAt } from './support/seeds.ts'

const ALICE = peerAt(1)
/** Large enough for `release` to give it back. */
const CHUNK_BYTES = 100_000
const seed = `SIM_SEED=${SEED}`

/** A responder over a tree of 16 chunks, and what it reads. */
async function responder() {
  const random = seededRandom(SEED)
  const store = createMemoryChunkStore()
  await store.start(never)
  const keys: ChunkAddress[] = []
  for (let i = 0; i < 16; i++) {
    const content = random.bytes(CHUNK_BYTES)
    const address = chunkAddressOf(backend().blake3(content))
    await store.put(address, content)
    keys.push(address)
  }
  const clock = new SimClock()
  const signer = new SimSignatures(backend(), random).createSigner(random)
  const retention = new Retention()
  const signed = await signTree(treeOf(keys), signer)
  retention.rotate(signed, clock.now())
  retention.show(clock.now())
  const handedOut: Uint8Array[] = []
  const auditStore = {
    /** Called at each read, with their number. */
    onRead: (_: number): void => undefined,
    get: async (key: ChunkAddress) => {
      const bytes = (await store.get(key)) as Uint8Array
      auditStore.onRead(handedOut.push(bytes))
      return bytes
    },
  }
  const self = peerIdOfPublicKey(signer.publicKey)
  const made = new SubtreeResponder(
    { self, clock, auditStore, bootstrapping: () => false, kernels: backend() },
    { retention },
  )
  const challenge = {
    ...{ challengeId: 1n, nonce: random.bytes(32), challengedPeer: self },
    expectedCommitmentHash: fromHex(signed.pin) as Uint8Array,
  }
  const one = (signal: AbortSignal) => made.roundOne(ALICE, { kind: 'subtreeAuditChallenge', ...challenge }, signal)
  const { firstLeaf } = subtreePlan(challenge.nonce, 16) as { firstLeaf: number }
  const audited = [...keys].sort().slice(firstLeaf, firstLeaf + 4)
  const openings = audited.flatMap((key) => [0, 97].map((blockIndex) => ({ key, blockIndex })))
  const two = (signal: AbortSignal) =>
    made.roundTwo(ALICE, { kind: 'subtreeSliceChallenge', ...challenge, openings }, signal)
  return { one, two, auditStore, handedOut }
}

test('digests: once the signal is aborted nothing more is read, and nobody is answered', async () => {
  const { ask, keys, reads, engine } = await auditee({ chunks: 100, readMs: 5 })
  const gone = new AbortController()
  const { signal } = gone
  const answer = ask(ALICE, keys.slice(0, 20), { signal }).catch((error: unknown) => error)
  await engine.pump.advance(12)
  gone.abort(new Aborted('nobody waits'))
  await engine.pump.advance(1000)
  assert.equal(reads.length, 3, `${seed}: the third read ran when it was aborted`)
  assert.equal(await answer, signal.reason, 'not a digest that says absent')
})

test('digests: the memory of each chunk is given back', async () => {
  const { ask, keys, handedOut } = await auditee({ chunks: 25, chunkBytes: CHUNK_BYTES })
  const result = await ask(ALICE, keys.slice(0, 10))
  assert.equal(result?.kind, 'digests')
  assert.deepEqual(
    handedOut.map(({ length }) => length),
    Array(10).fill(0),
    seed,
  )
})

test('digests: a key that is named again is answered again and read once', async () => {
  const { ask, keys, reads } = await auditee({ chunks: 25 })
  const [first, second] = keys as [ChunkAddress, ChunkAddress]
  const result = await ask(ALICE, [first, second, first, first])
  assert.ok(result?.kind === 'digests', seed)
  const [one, two] = result.digests as [Uint8Array, Uint8Array]
  assert.notDeepEqual(one, two)
  assert.deepEqual(result.digests, [one, two, one, one])
  assert.deepEqual(reads, [first, second])
})

test('round 1 and 2: the signal is looked at before each leaf and each opening', async () => {
  const first = await responder()
  const gone = new AbortController()
  first.auditStore.onRead = (reads) => reads === 2 && gone.abort(new Aborted('nobody waits'))
  await assert.rejects(first.one(gone.signal), (error) => error === gone.signal.reason)
  assert.equal(first.handedOut.length, 2, seed)

  const second = await responder()
  const left = new AbortController()
  assert.equal((await second.one(never))?.kind, 'subtreeAuditResponse')
  second.auditStore.onRead = (reads) => reads === 4 + 3 && left.abort(new Aborted('nobody waits'))
  await assert.rejects(second.two(left.signal), (error) => error === left.signal.reason)
  assert.equal(second.handedOut.length, 4 + 3, seed)
})

test('round 1 and 2: what was read is given back, and the answers do not change by it', async () => {
  const { one, two, handedOut } = await responder()
  const proof = await one(never)
  assert.ok(proof?.kind === 'subtreeAuditResponse' && proof.result.kind === 'proof', seed)
  assert.equal(proof.result.proof.leaves.length, 4)
  const slices = await two(never)
  assert.ok(slices.kind === 'subtreeSliceResponse' && slices.result.kind === 'items', seed)
  for (const item of slices.result.items)
    assert.ok(item.kind === 'present' && item.baoSlice.length > 0 && item.noncedSiblings.every((s) => s.length === 32))
  assert.deepEqual(
    handedOut.map(({ length }) => length),
    Array(4 + 8).fill(0),
    seed,
  )
})
