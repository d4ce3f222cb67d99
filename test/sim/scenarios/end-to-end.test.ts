/** replication.md 28.1: the engine end to end. Pruning has a file of its own. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { concat } from '../../../src/base/index.ts'
import { SimulatedDevnet, type SimulatedNode } from '../../../src/devnet/index.ts'
import { type PaymentVerifier, signLocalProof } from '../../../src/payment/index.ts'
import { type ChunkAddress, decodeReplicationMessage, TOPIC_REPLICATION } from '../../../src/protocol/index.ts'
import { ScriptedPeer } from '../../support/scripted-peer.ts'
import { putChunk, putTo } from './support/clients.ts'
import {
  byDistance,
  type Chunk,
  failure,
  listenToTrust,
  MINUTE,
  play,
  preload,
  Quarry,
  type Report,
  SECOND,
  SEED,
  type Stage,
} from './support/stage.ts'

const SOON = { possessionDelayMinMs: 20 * SECOND, possessionDelayMaxMs: 30 * SECOND }

/** Counts what it is asked. */
function counting(asked: { node: number; context: string }[]) {
  return (verifier: PaymentVerifier, { index }: SimulatedNode): PaymentVerifier => ({
    verifyPayment: (address, proof, context, options) => {
      asked.push({ node: index, context })
      return verifier.verifyPayment(address, proof, context, options)
    },
  })
}

test('28.1 possession, absent peer', () =>
  play({ peers: 8, replication: SOON }, async (stage) => {
    const chunk = stage.quarry.chunk((key) => stage.rank(key) < 7)
    const [liar, silent, ...rest] = stage.nearest(chunk.key) as [ScriptedPeer, ScriptedPeer, ...ScriptedPeer[]]
    liar.on('freshOffer', ({ key }) => ({ kind: 'freshResponse', result: { kind: 'accepted', key } }))
    silent.silent('auditChallenge')
    assert.equal((await putChunk(stage, rest[0] as ScriptedPeer, chunk)).kind, 'success')
    await stage.advance(2 * MINUTE)
    // The scheduler does it, nobody drives it.
    const challenged = stage.received('auditChallenge').map(({ by }) => by)
    assert.deepEqual(new Set(challenged), new Set(stage.nearest(chunk.key).slice(0, 6)))
    assert.equal(challenged.length, 6, 'each once')
    assert.deepEqual(stage.reportsOf(liar), [failure(5)], 'who lacks it')
    assert.deepEqual(stage.reportsOf(silent), [failure(5)], 'who says nothing')
    for (const holder of rest) assert.deepEqual(stage.reportsOf(holder), [], 'holders are not touched')
  }))

test('28.1 full node', async () => {
  const asked: { node: number; context: string }[] = []
  const net = new SimulatedDevnet({ seed: SEED }, { replication: SOON, payment: counting(asked) })
  await net.start(7)
  await net.world.advance(MINUTE)
  const reports: Report[] = []
  for (const node of net.nodes) listenToTrust(node, reports)
  const full = net.nodes[4] as SimulatedNode
  full.disk.capacityBytes = 0
  await net.world.advance(10 * SECOND)
  const client = await net.connectClient('people')
  const chunk = new Quarry(28).chunk()
  await net.world.run(() => client.putChunk(chunk.content))
  await net.world.advance(3 * MINUTE)
  for (const node of net.nodes) assert.equal(node.store.has(chunk.key), node !== full, `node ${node.index}`)
  assert.ok(asked.length >= 6)
  const worked = asked.filter(({ node, context }) => node === full.index && context !== 'paidListAdmission')
  assert.deepEqual(worked, [], 'refused before any payment work')
  const charged = reports.filter(({ success }) => !success)
  assert.ok(charged.length > 0, `seed ${SEED}: the probe finds it`)
  assert.ok(
    charged.every(({ peer, weight }) => peer === full.peerId && weight === 5),
    `seed ${SEED}: and nobody else: ${JSON.stringify(charged)}`,
  )
  await net.stop()
})

test('28.1 self-closeness', async () => {
  const net = new SimulatedDevnet({ seed: SEED })
  await net.start(24)
  await net.world.advance(MINUTE)
  const by = new ScriptedPeer(net, 'client', { role: 'client' })
  await net.world.run(() => by.start())
  const chunk = new Quarry(29).chunk()
  const order = byDistance(
    chunk.key,
    net.nodes.map(({ peerId }) => peerId),
  )
  const node = (place: number) => net.nodes.find(({ peerId }) => peerId === order.at(place)) as SimulatedNode
  const proof = await net.world.run(() => signLocalProof(net.world.signer('payer'), chunk.key, 1_700_000_000))
  const [near, far] = [node(0), node(-1)]
  assert.ok(far.dht.tableSize >= 20, `seed ${SEED}: it knows 20 that are closer`)
  assert.equal((await net.world.run(() => putTo(near, by, chunk, proof))).kind, 'success')
  const refused = await net.world.run(() => putTo(far, by, chunk, proof))
  assert.ok(refused.kind === 'error' && refused.error.kind === 'storageFailed', JSON.stringify(refused))
  assert.deepEqual([near.store.has(chunk.key), far.store.has(chunk.key)], [true, false])
  await net.world.run(() => by.stop())
  await net.stop()
})

test('28.1 fetch', () => {
  const [chunk, unknown] = new Quarry(30).chunks(2) as [Chunk, Chunk]
  return play({ peers: 2, prepare: (node) => preload(node, { chunks: [chunk] }) }, async (stage) => {
    const get = async (key: ChunkAddress) => {
      const answer = await stage.ask(stage.peer(0), { kind: 'fetchRequest', key })
      assert.ok(answer?.kind === 'fetchResponse')
      return answer.result
    }
    const found = await get(chunk.key)
    assert.ok(found.kind === 'success' && found.key === chunk.key)
    assert.deepEqual(Buffer.from(found.data), Buffer.from(chunk.content), 'the exact bytes')
    const zero = '0'.repeat(64) as ChunkAddress
    assert.deepEqual(await get(unknown.key), { kind: 'notFound', key: unknown.key })
    assert.deepEqual(await get(zero), { kind: 'notFound', key: zero })
  })
})

test('28.1 verification', () => {
  const [held, missing] = new Quarry(31).chunks(2) as [Chunk, Chunk]
  const prepare = (node: SimulatedNode) => preload(node, { chunks: [held], paid: [held.key] })
  return play({ peers: 2, prepare }, async (stage) => {
    const ask = async (keys: ChunkAddress[], paidListCheckIndices: number[]) => {
      const answer = await stage.ask(stage.peer(0), { kind: 'verificationRequest', keys, paidListCheckIndices })
      assert.ok(answer?.kind === 'verificationResponse')
      return answer.results
    }
    const keys = [held.key, missing.key]
    assert.deepEqual(await ask(keys, []), [
      { key: held.key, present: true },
      { key: missing.key, present: false },
    ])
    assert.deepEqual(await ask(keys, [1]), [
      { key: held.key, present: true },
      { key: missing.key, present: false, paid: false },
    ])
    assert.deepEqual(await ask(keys, [0, 1, 0]), [], 'more indices than keys')
    const many = Array.from({ length: 8193 }, () => held.key)
    assert.deepEqual(await ask(many, []), [], 'too many keys')
    assert.equal((await ask(many.slice(1), [])).length, 8192)
  })
})

test('28.1 offer with wrong hash', () => {
  const asked: { node: number; context: string }[] = []
  return play({ peers: 4, payment: counting(asked) }, async (stage) => {
    const [chunk, other] = stage.quarry.chunks(2) as [Chunk, Chunk]
    const paymentProof = await stage.run(() => stage.proofFor(chunk.key))
    const offer = { kind: 'freshOffer' as const, key: chunk.key, paymentProof }
    await stage.tell(stage.peer(0), { ...offer, data: other.content })
    await stage.tell(stage.peer(1), { ...offer, data: new Uint8Array(4 * 1024 * 1024 + 1) })
    await stage.advance(5 * SECOND)
    for (const peer of stage.peers.slice(0, 2)) {
      assert.equal(peer.got('freshResponse')[0]?.body.result.kind, 'rejected')
      assert.deepEqual(stage.reportsOf(peer), [failure(1)])
    }
    assert.deepEqual(asked, [], 'before payment verification')
    assert.equal(stage.has(chunk) || stage.has(other) || stage.lists(chunk), false)
    await stage.tell(stage.peer(2), { ...offer, data: chunk.content })
    await stage.advance(5 * SECOND)
    assert.deepEqual([stage.has(chunk), asked.length], [true, 1])
  })
})

test('28.1 late joiner', async () => {
  const net = new SimulatedDevnet({ seed: SEED })
  await net.start(9)
  await net.world.advance(MINUTE)
  const client = await net.connectClient('people')
  const chunks = new Quarry(32).chunks(20)
  for (const { content } of chunks) await net.world.run(() => client.putChunk(content))
  await net.world.advance(MINUTE)
  await net.start(11)
  await net.world.advance(MINUTE)
  for (const node of net.nodes.slice(9)) {
    const owed = chunks.filter(({ key }) => net.isCloseGroup(node, key))
    assert.ok(owed.length > 0)
    for (const { key } of owed) assert.ok(node.store.has(key), `seed ${SEED}: node ${node.index} lacks ${key}`)
  }
  await net.stop()
})

test('28.1 offer merge', () => {
  const { promise: gate, resolve: open } = Promise.withResolvers<void>()
  const seen: number[] = []
  // Proofs are told by their last byte; the fourth is good.
  const payment = (): PaymentVerifier => ({
    async verifyPayment(_address, proof = new Uint8Array()) {
      seen.push(proof.at(-1) as number)
      await gate
      return proof.at(-1) === 4 ? { kind: 'accepted' } : { kind: 'refused', message: 'no' }
    },
  })
  return play({ peers: 6, payment }, async (stage) => {
    const { key, content } = stage.quarry.chunk()
    const proof = (last: number) => new Uint8Array(100).fill(9).fill(last, 99)
    const offer = (peer: number, last: number) =>
      stage.tell(stage.peer(peer), { kind: 'freshOffer', key, data: content, paymentProof: proof(last) })
    for (const last of [1, 2, 3, 4]) {
      await offer(last - 1, last)
      await stage.advance(SECOND)
    }
    assert.deepEqual(seen, [1], 'the others wait for the first')
    await offer(4, 5)
    await offer(5, 1)
    await stage.advance(SECOND)
    for (const peer of stage.peers.slice(4))
      assert.deepEqual(peer.got('freshResponse')[0]?.body.result, {
        ...{ kind: 'rejected', key, reason: 'Duplicate offer already in flight' },
      })
    open()
    await stage.advance(5 * SECOND)
    assert.deepEqual(seen, [1, 2, 3, 4], 'tried in order until one stores')
    for (const peer of stage.peers.slice(0, 4))
      assert.deepEqual(peer.got('freshResponse')[0]?.body.result, { kind: 'accepted', key }, `peer ${peer.name}`)
    assert.equal(stage.has({ key }), true)
    assert.equal(stage.node.store.stats().chunksStored, 1, 'written once')
    assert.deepEqual(stage.reports, [])
  })
})

test('28.1 bounded offers', () =>
  play({ peers: 8 }, async (stage) => {
    const { network } = stage.node
    const real = network.prepare.bind(network)
    let [alive, most, made] = [0, 0, 0]
    network.prepare = (topic, data) => {
      const message = real(topic, data)
      if (topic !== TOPIC_REPLICATION) return message
      if (decodeReplicationMessage(concat([data].flat())).body.kind !== 'freshOffer') return message
      most = Math.max(most, ++alive)
      made++
      const release = message.release.bind(message)
      message.release = () => {
        alive--
        release()
      }
      return message
    }
    const chunks = stage.quarry.chunks(100, (key) => stage.rank(key) < 7)
    const payments = await stage.run(() => Promise.all(chunks.map(({ key }) => stage.proofFor(key))))
    await stage.run(() => burst(stage, chunks, payments))
    await stage.advance(5 * MINUTE)
    assert.equal(made, 100, 'one encoding for all copies of a chunk')
    assert.ok(most > 1 && most <= 8, `${most} encoded offers alive`)
    assert.equal(alive, 0, 'and none at the end')
    for (const { key } of chunks)
      for (const peer of stage.nearest(key).slice(0, 6)) assert.ok(peer.holds.has(key), 'all copies were made')
  }))

/** One after the other, as fast as the node takes them. */
async function burst(stage: Stage, chunks: readonly Chunk[], proofs: readonly Uint8Array[]): Promise<void> {
  for (const [i, chunk] of chunks.entries()) {
    const put = await putTo(stage.node, stage.peer(0), chunk, proofs[i] as Uint8Array)
    assert.equal(put.kind, 'success')
  }
}
