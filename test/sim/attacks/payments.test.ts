/**
 * replication.md 28.5 as far as no chain is read: proofs that prove nothing, shown to all nodes at once as puts, offers
 * and notices. Each node refuses on its own; nothing is stored, listed or passed on.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { never, second, seededRandom } from '../../../src/base/index.ts'
import { backend } from '../../../src/crypto/index.ts'
import type { SimulatedDevnet, SimulatedNode } from '../../../src/devnet/index.ts'
import { LOCAL_PROOF_BYTES, PROOF_TAG, signLocalProof } from '../../../src/payment/index.ts'
import {
  type ChunkAddress,
  type ChunkMessage,
  chunkAddressOf,
  encodeReplicationMessage,
  MAX_PAYMENT_PROOF_BYTES,
  MsgpackWriter,
  TOPIC_REPLICATION,
} from '../../../src/protocol/index.ts'
import { metric } from '../../support/network-harness.ts'
import { type Attacker, intruder, SEED, town, watchTrust } from './town.ts'

const NODES = 5
const dice = seededRandom(SEED + 4)
const seed = `SIM_SEED=${SEED}`

interface Chunk {
  readonly address: ChunkAddress
  readonly content: Uint8Array
}

function chunk(): Chunk {
  const content = dice.bytes(2000)
  return { address: chunkAddressOf(backend().blake3(content)), content }
}

/** A put in the messages of the network; undefined: no answer. */
async function put(
  attacker: Attacker,
  node: SimulatedNode,
  { address, content }: Chunk,
  paymentProof?: Uint8Array,
): Promise<ChunkMessage['body'] | undefined> {
  const body = { kind: 'putRequest', address, content, ...(paymentProof ? { paymentProof } : {}) } as const
  return attacker.chunkRequest(node, body)
}

async function putEverywhere(net: SimulatedDevnet, attacker: Attacker, of: Chunk, proof?: Uint8Array) {
  return net.world.run(() => Promise.all(net.nodes.map((node) => put(attacker, node, of, proof))))
}

function assertUntouched(net: SimulatedDevnet, { address }: Chunk, name: string): void {
  for (const node of net.nodes) {
    assert.equal(node.store.has(address), false, `${seed}, ${name}: node ${node.index} stored it`)
    assert.equal(node.paidList.has(address), false, `${seed}, ${name}: node ${node.index} lists it as paid`)
    const offers = metric(node.registry, 'myrmex_replication_requests_total{kind="freshOffer",outcome="received"}')
    assert.equal(offers, 0, `${seed}, ${name}: somebody passed it on`)
  }
}

/** The tag and a value in MessagePack. */
function tagged(tag: number, write: (writer: MsgpackWriter) => MsgpackWriter): Uint8Array {
  const body = write(new MsgpackWriter(64)).finish()
  const proof = new Uint8Array(Math.max(40, 1 + body.length))
  proof.set([tag])
  proof.set(body, 1)
  return proof
}

async function badProofs(attacker: Attacker, { address }: Chunk): Promise<Record<string, Uint8Array>> {
  const good = await signLocalProof(attacker.signer, address, 1_800_000_000)
  const flipped = good.slice()
  flipped[LOCAL_PROOF_BYTES - 3309] = (flipped[LOCAL_PROOF_BYTES - 3309] as number) ^ 1
  return {
    empty: new Uint8Array(0),
    '31 bytes': new Uint8Array(31).fill(PROOF_TAG.local),
    'one byte too many': new Uint8Array(MAX_PAYMENT_PROOF_BYTES + 1).fill(PROOF_TAG.local),
    '64 bytes of garbage': dice.bytes(64),
    'no quotes': tagged(PROOF_TAG.singleNode, (w) => w.array(2).array(0).array(0)),
    'merkle garbage': Uint8Array.from([PROOF_TAG.merkle, ...dice.bytes(500)]),
    'of another address': await signLocalProof(attacker.signer, chunk().address, 1_800_000_000),
    'tampered signature': flipped,
    'cut signature': good.subarray(0, -1),
  }
}

test('28.5 no proof: PaymentRequired', async () => {
  const { net } = await town(NODES)
  const attacker = await intruder(net, 'no proof')
  const of = chunk()
  for (const answer of await putEverywhere(net, attacker, of))
    assert.ok(answer?.kind === 'putResponse' && answer.result.kind === 'paymentRequired', `${seed}: ${answer?.kind}`)
  assertUntouched(net, of, 'no proof')
  await net.stop()
})

test('28.5 empty, < 32 B, > 524 288 B, garbage, zero quotes, merkle garbage, another address, tampered: PaymentFailed', async () => {
  const { net } = await town(NODES)
  const attacker = await intruder(net, 'bad proofs')
  const of = chunk()
  for (const [name, proof] of Object.entries(await badProofs(attacker, of))) {
    for (const answer of await putEverywhere(net, attacker, of, proof)) {
      assert.ok(answer?.kind === 'putResponse', `${seed}, ${name}: ${answer?.kind}`)
      const { result } = answer
      assert.ok(result.kind === 'error' && result.error.kind === 'paymentFailed', `${seed}, ${name}: ${result.kind}`)
    }
    await net.world.advance(10 * second)
    assertUntouched(net, of, name)
  }
  await net.stop()
})

test('28.5 garbage to all nodes at once: each refuses on its own, none crashes, nothing is stored, listed or fanned out', async () => {
  const { net } = await town(NODES)
  const attackers = [await intruder(net, 'a'), await intruder(net, 'b')]
  const chunks = Array.from({ length: 20 }, chunk)
  const all = await net.world.run(() =>
    Promise.all(
      chunks.flatMap((of, i) =>
        net.nodes.map((node) => put(attackers[i % 2] as Attacker, node, of, dice.bytes(32 + i * 1000))),
      ),
    ),
  )
  const refused = all.filter((answer) => answer?.kind === 'putResponse' && answer.result.kind === 'error')
  assert.equal(refused.length, chunks.length * NODES, seed)
  await net.world.advance(30 * second)
  for (const of of chunks) assertUntouched(net, of, 'at once')
  const paid = chunk()
  const proof = await signLocalProof((attackers[0] as Attacker).signer, paid.address, 1_800_000_000)
  for (const answer of await putEverywhere(net, attackers[0] as Attacker, paid, proof))
    assert.ok(answer?.kind === 'putResponse' && /success|alreadyExists/.test(answer.result.kind), 'they still serve')
  await net.stop()
})

test('28.5 the same proofs in offers and notices: refused, not listed; only ill sizes cost trust', async () => {
  const { net } = await town(NODES)
  const attacker = await intruder(net, 'offers')
  const [node] = net.nodes as [SimulatedNode]
  const trust = watchTrust(node)
  const of = chunk()
  const { address: key, content: data } = of
  for (const [name, paymentProof] of Object.entries(await badProofs(attacker, of))) {
    const [heard, charged] = [attacker.heardOf('freshResponse').length, trust.length]
    await net.world.run(async () => {
      await attacker.tell(node, { kind: 'paidNotify', key, paymentProof })
      await attacker.tell(node, { kind: 'freshOffer', key, data, paymentProof })
    })
    await net.world.advance(5 * second)
    const [answer] = attacker.heardOf('freshResponse').slice(heard)
    assert.equal(answer?.result.kind, 'rejected', `${seed}, ${name}`)
    assert.equal(node.store.has(key), false, name)
    assert.equal(node.paidList.has(key), false, name)
    const illSized = paymentProof.length < 32 || paymentProof.length > MAX_PAYMENT_PROOF_BYTES
    const weights = trust.slice(charged).map(({ weight, success }) => (success ? weight : -weight))
    assert.deepEqual(weights, illSized ? [-1] : [], `${seed}, ${name}`)
  }
  // Bytes that make no message at all, as plain ones and as requests.
  for (let i = 0; i < 50; i++) {
    const junk = dice.bytes(1 + i * 7)
    await net.world.run(() => attacker.network.send(node.peerId, TOPIC_REPLICATION, junk, { signal: never }))
  }
  const fetch = encodeReplicationMessage({ requestId: 1n, body: { kind: 'fetchRequest', key } })
  assert.ok(await net.world.run(() => attacker.requestBytes(node, TOPIC_REPLICATION, fetch)), 'it still answers')
  await net.stop()
})
