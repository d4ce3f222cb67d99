/** replication.md 28.4: floods against whole nodes. What must stay flat is counted in entries, not in bytes of a heap. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { pinOfCommitment, signTree } from '../../../src/audit/index.ts'
import { minute, second, seededRandom, toHex } from '../../../src/base/index.ts'
import { backend } from '../../../src/crypto/index.ts'
import { SimulatedDevnet, type SimulatedDevnetOptions, type SimulatedNode } from '../../../src/devnet/index.ts'
import type { PaymentVerifier } from '../../../src/payment/index.ts'
import {
  type ChunkAddress,
  chunkAddressOf,
  MAX_SUBTREE_MESSAGE_BYTES,
  type NeighborHints,
  type ReplicationBody,
  TOPIC_REPLICATION,
  TOPIC_SUBTREE_AUDIT,
} from '../../../src/protocol/index.ts'
import { metric } from '../../support/network-harness.ts'
import { treeOf } from '../../unit/audit/world.ts'
import { type Attacker, challengeFor, intruder, roundOne, SEED, shownBy, sync } from './town.ts'

const dice = seededRandom(SEED + 3)
const keys = (count: number) => Array.from({ length: count }, () => toHex(dice.bytes(32)) as ChunkAddress)
const NO_HINTS: NeighborHints = { replicaHints: [], paidHints: [], bootstrapping: false }
const seed = `SIM_SEED=${SEED}`

async function nodes(count: number, config: SimulatedDevnetOptions = {}): Promise<SimulatedDevnet> {
  const net = new SimulatedDevnet({ seed: SEED }, config)
  await net.start(count)
  await net.world.advance(minute)
  return net
}

const hashOf = (data: Uint8Array) => chunkAddressOf(backend().blake3(data))

/** As a put that was paid for leaves it. */
async function storedOn(net: SimulatedDevnet, node: SimulatedNode, content: Uint8Array): Promise<ChunkAddress> {
  const address = hashOf(content)
  await net.world.run(() => node.store.put(address, content))
  node.replication.chunkStored(address)
  return address
}

/** Answers syncs with these hints, and says of every key that is asked about that it is there. */
function claimsAll(attacker: Attacker, hints: () => NeighborHints = () => NO_HINTS): void {
  attacker.script = (body): ReplicationBody | undefined => {
    if (body.kind === 'neighborSyncRequest') return { kind: 'neighborSyncResponse', ...hints(), rejectedKeys: [] }
    if (body.kind !== 'verificationRequest') return undefined
    return { kind: 'verificationResponse', results: body.keys.map((key) => ({ key, present: true })) }
  }
}

const hinted = ({ registry }: SimulatedNode, outcome: 'admitted' | 'overCapacity') =>
  metric(registry, `myrmex_replication_hints_total{outcome="${outcome}"}`)
const requests = ({ registry }: SimulatedNode, kind: string, outcome: string) =>
  metric(registry, `myrmex_replication_requests_total{kind="${kind}",outcome="${outcome}"}`)

test('28.4 pending flood from many ids: never more than 131 072 entries', async () => {
  const net = await nodes(1)
  const [node] = net.nodes as [SimulatedNode]
  let most = 0
  for (let i = 0; i < 5; i++) {
    const attacker = await intruder(net, `flooder ${i}`)
    await attacker.ask(node, sync({ replicaHints: keys(35_000) }))
    most = Math.max(most, node.replication.pending)
    assert.ok(node.replication.pending <= 131_072, `${seed}: ${node.replication.pending}`)
  }
  assert.equal(most, 131_072, `${seed}: the flood reached the limit`)
  assert.ok(hinted(node, 'overCapacity') > 0, seed)
  await net.stop()
})

test('28.4 fetch-queue flood: never more than its limit, what finds no place waits its turn', async () => {
  const net = await nodes(1, { replication: { fetchQueue: 100 } })
  const [node] = net.nodes as [SimulatedNode]
  const flooders = [await intruder(net, 'a'), await intruder(net, 'b')]
  for (const flooder of flooders) claimsAll(flooder)
  await (flooders[0] as Attacker).ask(node, sync({ replicaHints: keys(3000) }))
  await net.world.advance(5 * second)
  const verified = metric(node.registry, 'myrmex_replication_verified_total{result="quorumVerified"}')
  assert.equal(verified, 3000, `${seed}: all keys were verified and want to be fetched`)
  assert.equal(node.replication.fetching, 100, seed)
  assert.equal(node.replication.pending, 3000, `${seed}: the rest waits in the table of pending keys`)
  const asked = flooders.map((flooder) => flooder.heardOf('fetchRequest').length)
  assert.ok(Math.max(...asked) <= 2, `${seed}: ${asked} fetches from one peer at once`)
  await net.stop()
})

test('28.4 one flooder, one honest peer: the honest peer’s hints are always admitted', async () => {
  const net = await nodes(1, { replication: { pendingEntries: 1000 } })
  const [node] = net.nodes as [SimulatedNode]
  const [flooder, honest] = [await intruder(net, 'flooder'), await intruder(net, 'honest')]
  for (let round = 0; round < 5; round++) {
    await flooder.ask(node, sync({ replicaHints: keys(5000) }))
    const modest = keys(50)
    const before = hinted(node, 'admitted')
    await honest.ask(node, sync({ replicaHints: modest }))
    assert.equal(hinted(node, 'admitted') - before, modest.length, `${seed}, round ${round}`)
    await flooder.ask(node, sync({ replicaHints: keys(5000) }))
    await net.world.advance(20 * second)
    const asked = new Set(honest.heardOf('verificationRequest').flatMap((body) => body.keys))
    assert.ok(
      modest.every((key) => asked.has(key)),
      `${seed}, round ${round}: all were verified`,
    )
    assert.ok(node.replication.pending <= 1000, seed)
  }
  assert.ok(hinted(node, 'overCapacity') > 10_000, seed)
  await net.stop()
})

test('28.4 counters: after a flood every place is free and the quota is reusable', async () => {
  const net = await nodes(1, { replication: { pendingEntries: 1000, fetchQueue: 100 } })
  const [node] = net.nodes as [SimulatedNode]
  const flooders = [await intruder(net, 'a'), await intruder(net, 'b')]
  claimsAll(flooders[0] as Attacker)
  for (let round = 0; round < 3; round++) {
    const before = hinted(node, 'admitted')
    await (flooders[1] as Attacker).ask(node, sync({ replicaHints: keys(3000) }))
    assert.equal(hinted(node, 'admitted') - before, 1000, `${seed}, round ${round}: the whole table is free`)
    await (flooders[0] as Attacker).ask(node, sync({ replicaHints: keys(3000) }))
    await net.world.advance(45 * minute)
    assert.equal(node.replication.pending, 0, `${seed}, round ${round}`)
  }
  await net.stop()
})

test('28.4 state changes in place: a key that is verified, retried and blocked is charged once', async () => {
  const net = await nodes(1, { replication: { pendingEntries: 500, fetchQueue: 10 } })
  const [node] = net.nodes as [SimulatedNode]
  const attacker = await intruder(net, 'a')
  claimsAll(attacker)
  const same = keys(500)
  await attacker.ask(node, sync({ replicaHints: same }))
  for (let again = 0; again < 20; again++) {
    await net.world.advance(37 * second)
    await attacker.ask(node, sync({ replicaHints: same, paidHints: same }))
    assert.ok(node.replication.pending <= 510, `${seed}: ${node.replication.pending}`)
  }
  assert.ok(hinted(node, 'admitted') < 600, `${seed}: ${hinted(node, 'admitted')} admissions of 500 keys`)
  await net.stop()
})

test('28.4 bounds are harmless: a small working set is taken whole, once, however often it is hinted', async () => {
  const net = await nodes(1)
  const [node] = net.nodes as [SimulatedNode]
  const [a, b] = [await intruder(net, 'a'), await intruder(net, 'b')]
  const same = keys(200)
  for (const attacker of [a, b, a]) {
    await attacker.ask(node, sync({ replicaHints: [...same, ...same], paidHints: same }))
    assert.equal(node.replication.pending, 200, seed)
  }
  assert.equal(hinted(node, 'admitted'), 200, seed)
  assert.equal(hinted(node, 'overCapacity'), 0, seed)
  await net.stop()
})

test('28.4 bootstrap stall: who always over-hints keeps a node bootstrapping no longer than 125 min', async () => {
  const net = await nodes(2, { replication: { pendingEntries: 200 } })
  const client = await net.connectClient('people')
  const [content, other] = [dice.bytes(3000), dice.bytes(4000)]
  const puts = await net.world.run(() => Promise.all([content, other].map((bytes) => client.putChunk(bytes))))
  const honest = puts.map(({ address }) => address)
  const flooder = await intruder(net, 'flooder')
  flooder.script = (body) =>
    body.kind === 'neighborSyncRequest'
      ? { kind: 'neighborSyncResponse', ...NO_HINTS, replicaHints: keys(1000), rejectedKeys: [] }
      : undefined
  await net.start(3)
  const joiner = net.nodes[2] as SimulatedNode
  const startedAt = net.world.clock.monotonic()
  await net.world.advance(5 * minute)
  assert.ok(joiner.dht.peers().includes(flooder.peerId), `${seed}: the flooder is a neighbour`)
  assert.equal(joiner.replication.bootstrapping, true, `${seed}: the attack bites`)
  assert.ok(
    honest.every((key) => joiner.store.has(key)),
    `${seed}: honest sources drain meanwhile`,
  )
  while (joiner.replication.bootstrapping && net.world.clock.monotonic() - startedAt < 126 * minute) {
    await flooder.ask(joiner, sync({ replicaHints: keys(1000) }))
    await net.world.advance(5 * minute)
  }
  assert.equal(joiner.replication.bootstrapping, false, seed)
  await net.stop()
})

test('28.4 gossip flood: at most one audit per peer per 30 min; a lost lottery still consumes the window', async () => {
  const net = await nodes(1)
  const [node] = net.nodes as [SimulatedNode]
  const attacker = await intruder(net, 'gossip')
  const audited: number[] = []
  attacker.script = (body) => {
    if (body.kind === 'subtreeAuditChallenge') audited.push(net.world.clock.monotonic())
    return undefined
  }
  const signed = await Promise.all([1, 2].map((count) => signTree(treeOf(keys(count)), attacker.signer)))
  const windows = 20
  for (let i = 0; i < windows * 30; i++) {
    const { commitment } = signed[i % 2] as (typeof signed)[0] & object
    await attacker.ask(node, sync({ commitment }))
    await net.world.advance(minute)
  }
  for (const [i, at] of audited.entries())
    if (i > 0) assert.ok(at - (audited[i - 1] as number) >= 30 * minute, `${seed}: ${audited}`)
  // 600 tries at 0.2 would be an audit in nearly every window; one try a window is one audit in five of them.
  assert.ok(audited.length >= 1 && audited.length <= windows / 2, `${seed}: ${audited.length} audits`)
  await net.stop()
})

test('28.4 commitment flood: one signature verification per peer per 60 s', async () => {
  const net = await nodes(1)
  const [node] = net.nodes as [SimulatedNode]
  const attacker = await intruder(net, 'commitments')
  const { signatures } = net.world
  const verify = signatures.verify.bind(signatures)
  let verified = 0
  signatures.verify = (key, message, signature, context) => {
    if (context && Buffer.from(context).toString().includes('storage_commitment')) verified++
    return verify(key, message, signature, context)
  }
  for (let i = 0; i < 180; i++) {
    const { commitment } = await signTree(treeOf(keys(3)), attacker.signer)
    await attacker.ask(node, sync({ commitment: i % 2 ? commitment : { ...commitment, signature: dice.bytes(3309) } }))
    await net.world.advance(second)
  }
  // 180 of them within a little more than three minutes.
  assert.ok(verified >= 3 && verified <= 4, `${seed}: ${verified}`)
  await net.stop()
})

test('28.4 verification of 8193 keys: empty list, constant work', async () => {
  const net = await nodes(1)
  const [node] = net.nodes as [SimulatedNode]
  const attacker = await intruder(net, 'verification')
  let looked = 0
  const has = node.store.has.bind(node.store)
  node.store.has = (key) => {
    looked++
    return has(key)
  }
  const ask = (count: number) =>
    attacker.ask(node, { kind: 'verificationRequest', keys: keys(count), paidListCheckIndices: [] })
  const full = await ask(8192)
  assert.ok(full?.kind === 'verificationResponse' && full.results.length === 8192)
  looked = 0
  assert.deepEqual(await ask(8193), { kind: 'verificationResponse', results: [] })
  assert.equal(looked, 0)
  const [one] = keys(1) as [ChunkAddress]
  const indexes = {
    kind: 'verificationRequest',
    keys: [one],
    paidListCheckIndices: new Array(100_000).fill(0),
  } as const
  assert.deepEqual(await attacker.ask(node, indexes), { kind: 'verificationResponse', results: [] })
  await net.stop()
})

test('28.4 sync flood: more than 1 outstanding per peer is dropped without building hints', async () => {
  const net = await nodes(1)
  const [node] = net.nodes as [SimulatedNode]
  // An answer of 64 KiB is on its way for a round trip: so long one more may wait, and is not worked on.
  for (const key of keys(2000)) await node.paidList.insert(key)
  net.kill(node)
  await net.restart(node)
  const [attacker, other] = [await intruder(net, 'sync'), await intruder(net, 'other')]
  await net.world.advance(minute)
  const flood = net.world.run(() =>
    Promise.all([...Array.from({ length: 20 }, () => attacker.request(node, sync())), other.request(node, sync())]),
  )
  const answers = await flood
  assert.equal(answers.pop()?.kind, 'neighborSyncResponse', `${seed}: others have their place`)
  const answered = answers.filter((answer) => answer !== undefined)
  assert.ok(answered.length <= 2, `${seed}: ${answered.length}`)
  assert.ok(answered[0]?.kind === 'neighborSyncResponse' && answered[0].paidHints.length === 2000)
  assert.equal(requests(node, 'neighborSyncRequest', 'busy'), 20 - answered.length, seed)
  await net.stop()
})

test('28.4 a long message of hints is taken in steps, so that others have their turn', async () => {
  const net = await nodes(1)
  const [node] = net.nodes as [SimulatedNode]
  const attacker = await intruder(net, 'long message')
  const { clock } = node.host
  const sleep = clock.sleep.bind(clock)
  let pauses = 0
  clock.sleep = (ms, signal) => {
    if (ms === 0) pauses++
    return sleep(ms, signal)
  }
  await attacker.ask(node, sync({ replicaHints: keys(50_000), paidHints: keys(50_000) }))
  assert.equal(hinted(node, 'admitted'), 100_000, seed)
  assert.ok(pauses >= 98, `${seed}: ${pauses} pauses in 100 000 hints`)
  await net.stop()
})

test('28.4 slow chain RPC: a hanging payment check delays no sync, verification, fetch or audit', async () => {
  let hanging = 0
  const release = Promise.withResolvers<void>()
  const payment: PaymentVerifier = {
    verifyPayment: async () => {
      hanging++
      await release.promise
      return { kind: 'refused', message: 'too late' }
    },
  }
  const net = await nodes(2, { payment: () => payment })
  const [node] = net.nodes as [SimulatedNode]
  const [content] = [dice.bytes(5000)]
  const held = await storedOn(net, node, content)
  await net.world.advance(61 * minute)
  const [attacker, auditor] = [await intruder(net, 'payer'), await intruder(net, 'auditor')]
  const proof = dice.bytes(100)
  await net.world.run(async () => {
    for (let i = 0; i < 40; i++) {
      const data = dice.bytes(1000)
      await attacker.tell(node, { kind: 'freshOffer', key: hashOf(data), data, paymentProof: proof })
      await attacker.tell(node, { kind: 'paidNotify', key: keys(1)[0] as ChunkAddress, paymentProof: proof })
    }
  })
  await net.world.advance(second)
  assert.equal(hanging, 4 + 2, `${seed}: all workers of both pools hang, and no more`)
  assert.equal(requests(node, 'freshOffer', 'busy'), 40 - 12, seed)
  assert.equal(requests(node, 'paidNotify', 'busy'), 40 - 16, seed)
  const before = net.world.clock.monotonic()
  const pin = pinOfCommitment(await shownBy(node, auditor))
  assert.equal((await auditor.ask(node, { kind: 'fetchRequest', key: held }))?.kind, 'fetchResponse')
  const verification = { kind: 'verificationRequest', keys: [held], paidListCheckIndices: [0] } as const
  assert.equal((await auditor.ask(node, verification))?.kind, 'verificationResponse')
  const challenge = challengeFor(node, pin)
  const digest = { ...challenge, kind: 'auditChallenge', keys: [held] } as const
  assert.equal((await auditor.ask(node, digest))?.kind, 'auditResponse')
  assert.equal((await roundOne(auditor, node, challenge))?.kind, 'proof')
  const took = net.world.clock.monotonic() - before
  assert.ok(took < 5 * second, `${seed}: five answers took ${took} virtual ms`)
  // What waited behind the hanging ones for too long is let go of, with its bytes, when they end.
  await net.world.advance(21 * minute)
  release.resolve()
  await net.world.advance(second)
  assert.equal(requests(node, 'freshOffer', 'stale'), 12 - 4, seed)
  assert.equal(requests(node, 'paidNotify', 'stale'), 16 - 2, seed)
  assert.equal(hanging, 4 + 2, `${seed}: nothing that was stale was looked at`)
  await net.stop()
})

test('28.4 oversized subtree frames: refused at 512 KiB before decoding, the core family at 10 MiB', async () => {
  const net = await nodes(1)
  const [node] = net.nodes as [SimulatedNode]
  const attacker = await intruder(net, 'large frames')
  const delivered = () => requests(node, 'unknown', 'undecodable')
  const frame = (variant: number, bytes: number) => {
    const data = new Uint8Array(bytes)
    data.set([1, variant])
    return data
  }
  const send = (topic: string, bytes: Uint8Array<ArrayBuffer>) =>
    net.world.run(() => attacker.requestBytes(node, topic, bytes))
  await send(TOPIC_SUBTREE_AUDIT, frame(11, MAX_SUBTREE_MESSAGE_BYTES + 1))
  assert.equal(delivered(), 0, `${seed}: the router does not even hand it over`)
  await send(TOPIC_REPLICATION, frame(11, MAX_SUBTREE_MESSAGE_BYTES + 1))
  assert.equal(delivered(), 1, `${seed}: nor does the core id make it larger`)
  const big = sync({ replicaHints: keys(20_000) })
  assert.equal((await attacker.ask(node, big))?.kind, 'neighborSyncResponse', '640 KiB of the core family are taken')
  await net.stop()
})

test('28.4 oversized answers: a reply to a subtree challenge above 512 KiB is refused whatever its head says', async () => {
  const net = await nodes(1)
  const [node] = net.nodes as [SimulatedNode]
  const attacker = await intruder(net, 'large answers')
  const big: ReplicationBody = {
    kind: 'neighborSyncResponse',
    ...NO_HINTS,
    replicaHints: keys(20_000),
    rejectedKeys: [],
  }
  attacker.script = (body) => (body.kind === 'subtreeAuditChallenge' ? big : undefined)
  const { commitment } = await signTree(treeOf(keys(3)), attacker.signer)
  for (let i = 0; i < 60 && attacker.heardOf('subtreeAuditChallenge').length === 0; i++) {
    await attacker.ask(node, sync({ commitment }))
    await net.world.advance(31 * minute)
  }
  const malformed = metric(node.registry, 'myrmex_replication_challenges_total{audit="subtree",outcome="malformed"}')
  assert.equal(malformed, 1, seed)
  assert.equal(node.replication.pending, 0, `${seed}: none of its hints was taken`)
  await net.stop()
})
