/** Scenarios of replication.md 27: what a client has just stored. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SimulatedDevnet } from '../../../src/devnet/index.ts'
import { type ChunkAddress, keyOf, type ReplicationBody } from '../../../src/protocol/index.ts'
import type { ScriptedPeer } from '../../support/scripted-peer.ts'
import { putChunk } from './support/clients.ts'
import { type Chunk, failure, MINUTE, play, Quarry, SECOND, SEED, type Stage } from './support/stage.ts'

test('scenario 1: fresh write, happy path', async () => {
  const net = new SimulatedDevnet({ seed: SEED })
  await net.start(10)
  await net.world.advance(MINUTE)
  const client = await net.connectClient('people')
  const chunk = new Quarry(1).chunk()
  const put = await net.world.run(() => client.putChunk(chunk.content))
  assert.equal(put.address, chunk.key)
  const first = net.nodes.filter(({ store }) => store.has(chunk.key))
  assert.ok(first.length >= 4 && first.length < 7, `seed ${SEED}: ${first.length} storers at once`)
  await net.world.advance(30 * SECOND)
  const later = net.nodes.filter((node) => node.store.has(chunk.key) && !first.includes(node))
  assert.ok(later.length > 0, `seed ${SEED}: it reaches further nodes`)
  for (const node of net.nodes.filter(({ peerId }) => isNear(net, chunk.key, peerId)))
    assert.ok(node.store.has(chunk.key), `seed ${SEED}: node ${node.index} of the close group stores it`)
  for (const node of later) {
    assert.ok(node.paidList.has(chunk.key), 'the receiver lists it as paid')
    assert.match(node.registry.render(), /replication_offers_total\{outcome="stored"\} 1/, 'by an offer')
    assert.doesNotMatch(node.registry.render(), /replication_verified_total\{/, 'without any quorum round')
    assert.doesNotMatch(node.registry.render(), /replication_fetches_total\{/, 'and without a fetch')
  }
  await net.stop()
})

test('scenario 2: fresh write, invalid proof', () =>
  play({ peers: 8 }, async (stage) => {
    const proofs: [string, (chunk: Chunk) => Uint8Array | Promise<Uint8Array>, boolean][] = [
      ['empty', () => new Uint8Array(), true],
      ['too short', () => new Uint8Array(31).fill(0xf0), true],
      ['too long', () => new Uint8Array(524_289).fill(0xf0), true],
      ['garbage of a possible size', () => new Uint8Array(100).fill(0xf0), false],
      ['of another chunk', () => stage.proofFor(stage.quarry.chunk().key), false],
    ]
    for (const [index, [name, proof, charged]] of proofs.entries()) {
      const chunk = stage.quarry.chunk()
      const sender = stage.peer(index)
      const paymentProof = await stage.run(async () => proof(chunk))
      await stage.tell(sender, { kind: 'freshOffer', key: chunk.key, data: chunk.content, paymentProof })
      await stage.advance(5 * SECOND)
      const [answer] = sender.got('freshResponse')
      assert.equal(answer?.body.result.kind, 'rejected', name)
      assert.equal(stage.has(chunk) || stage.lists(chunk), false, `${name}: nothing is stored or listed`)
      assert.deepEqual(stage.reportsOf(sender), charged ? [failure(1)] : [], name)
    }
    assert.deepEqual(stage.received('fetchRequest'), [], 'nothing is fetched')
    assert.deepEqual(stage.received('verificationRequest'), [])
    // The same offer with a proof of its own.
    const chunk = stage.quarry.chunk()
    const paymentProof = await stage.run(() => stage.proofFor(chunk.key))
    await stage.tell(stage.peer(6), { kind: 'freshOffer', key: chunk.key, data: chunk.content, paymentProof })
    await stage.advance(5 * SECOND)
    assert.deepEqual([stage.has(chunk), stage.lists(chunk)], [true, true])
  }))

test('scenario 24: PaidNotify', () =>
  play({ peers: 24 }, async (stage) => {
    const chunk = stage.quarry.chunk((key) => stage.rank(key) < 7)
    const near = stage.nearest(chunk.key)
    const refusing = near[0] as ScriptedPeer
    refusing.on('freshOffer', ({ key }) => ({ kind: 'freshResponse', result: { kind: 'rejected', key, reason: 'no' } }))
    assert.equal((await putChunk(stage, stage.peer(5), chunk)).kind, 'success')
    await stage.advance(MINUTE)
    for (const [place, peer] of near.entries()) {
      const accepted = peer.got('freshOffer').length > 0 && peer !== refusing
      const notified = peer.got('paidNotify')
      assert.equal(notified.length, place < 20 && !accepted ? 1 : 0, `seed ${SEED}: the peer at place ${place}`)
      assert.equal(peer.paid.has(chunk.key), place < 20, 'each of the 20 closest hears of the payment, nobody else')
      for (const { body } of notified) assert.deepEqual(body.paymentProof, await stage.run(() => proofOf(stage, chunk)))
    }
    assert.equal(stage.lists(chunk), true, 'and the storer lists it itself')
    await receivers(stage)
  }))

/** What the node does with notices of others. */
async function receivers(stage: Stage): Promise<void> {
  const inRange = (key: ChunkAddress) => stage.rank(key) < 20
  const [right, wrong, short] = stage.quarry.chunks(3, inRange) as [Chunk, Chunk, Chunk]
  const far = stage.quarry.chunk((key) => !inRange(key))
  const notify = async ({ key }: Chunk, paymentProof: Uint8Array | Promise<Uint8Array>) => {
    const body: ReplicationBody = { kind: 'paidNotify', key, paymentProof: await stage.run(async () => paymentProof) }
    await stage.tell(stage.peer(1), body)
  }
  await notify(right, proofOf(stage, right))
  await notify(wrong, proofOf(stage, right))
  await notify(short, new Uint8Array(31))
  await notify(far, proofOf(stage, far))
  await stage.advance(5 * SECOND)
  assert.deepEqual(
    [right, wrong, short, far].map((chunk) => stage.lists(chunk)),
    [true, false, false, false],
    'listed with a valid proof and in range only',
  )
  assert.deepEqual(stage.reportsOf(stage.peer(1)), [], 'and silent about all failures')
  assert.deepEqual(stage.peer(1).got('freshResponse'), [])
}

function proofOf(stage: Stage, { key }: Chunk): Promise<Uint8Array> {
  return stage.proofFor(key)
}

function isNear(net: SimulatedDevnet, key: ChunkAddress, peer: string): boolean {
  const node = net.nodes.find(({ peerId }) => peerId === peer)
  return node !== undefined && net.isCloseGroup(node, key) && keyOf(key).length === 32
}
