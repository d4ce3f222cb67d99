/** Whole nodes audit each other: what a quote pins is answered for, whoever was paid is audited, lost pins cost trust. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MiB, never, Registry, seededRandom, silentLogger } from '../../src/base/index.ts'
import { SimulatedDevnet, type SimulatedNode } from '../../src/devnet/index.ts'
import { wirePeer } from '../../src/node/wiring.ts'
import {
  bindingFault,
  decodeQuote,
  type PaidQuote,
  type ShownCommitment,
  verifyQuoteSignature,
} from '../../src/payment/index.ts'
import {
  type ChunkAddress,
  type ChunkBody,
  commitmentPin,
  decodeChunkMessage,
  decodeCommitmentSidecar,
  encodeChunkMessage,
  TOPIC_CHUNK,
  verifyStorageCommitment,
} from '../../src/protocol/index.ts'

const SEED = Number(process.env['SIM_SEED'] ?? 17)

function counter({ registry }: SimulatedNode, name: string, labels: string): number {
  const lines = registry.render().split('\n')
  const line = lines.find((each) => each.startsWith(name) && each.includes(labels))
  return line === undefined ? 0 : Number(line.slice(line.lastIndexOf(' ') + 1))
}

/** Ten nodes that hold chunks and have committed to them. */
async function town({ chunks = 20, bytes = 2000 } = {}) {
  const net = new SimulatedDevnet({ seed: SEED })
  await net.start(10)
  await net.world.advance(60_000)
  const client = await net.connectClient('people')
  const dice = seededRandom(SEED)
  const contents = Array.from({ length: chunks }, () => dice.bytes(bytes))
  await net.world.run(() => Promise.all(contents.map((content) => client.putChunk(content))))
  // The hourly commitment.
  await net.world.advance(61 * 60_000)
  const [alice, bob] = net.nodes.slice(3, 5) as [SimulatedNode, SimulatedNode]
  const shown = (await net.world.run(() => bob.replication.commitments.show())) as ShownCommitment
  assert.ok(shown.keyCount > 0, `seed ${SEED}`)
  const paid = (change: Partial<PaidQuote> = {}): PaidQuote => ({
    ...{ issuer: bob.peerId, pin: shown.pin, keyCount: shown.keyCount, quotedAt: net.world.clock.now() },
    ...change,
  })
  const pay = (quote: PaidQuote, address = 'ab'.repeat(32) as ChunkAddress) =>
    alice.replication.freshChunk({ address, proof: new Uint8Array(64), paid: [quote] })
  return { net, alice, bob, shown, paid, pay }
}

test(`a quote on the wire carries pin, count and sidecar of the commitment that is shown (SIM_SEED=${SEED})`, async () => {
  const { net, bob } = await town()
  const { world } = net
  const host = world.network.addHost()
  const signer = world.signer('asker')
  const { network, dht } = wirePeer(
    {
      transport: host.createTransport({ port: 10_000, publicKey: signer.publicKey }),
      ...{ signer, verifier: world.signatures, clock: host.clock, log: silentLogger, registry: new Registry() },
      random: world.random('asker'),
    },
    { allowLoopback: false, seeds: [{ address: { ip: bob.host.ip, port: 10_000 } }] },
    'client',
    {},
  )
  const answer = await world.run(async () => {
    await network.start(never)
    await dht.start(never)
    const came = Promise.withResolvers<ChunkBody>()
    network.handle(TOPIC_CHUNK, { maxBytes: 1 << 20 }, (data) => came.resolve(decodeChunkMessage(data).body))
    const body: ChunkBody = {
      ...{ kind: 'quoteRequest', address: 'cd'.repeat(32) as ChunkAddress, dataSize: 2000n, dataType: 0 },
    }
    await network.send(bob.peerId, TOPIC_CHUNK, encodeChunkMessage({ requestId: 9n, body }), { signal: never })
    return came.promise
  })
  assert.ok(answer.kind === 'quoteResponse' && answer.result.kind === 'success')
  const quote = decodeQuote(answer.result.quote)
  assert.equal(bindingFault(quote), undefined)
  assert.equal(await verifyQuoteSignature(quote, world.signatures), true)
  const commitment = decodeCommitmentSidecar(answer.result.commitment as Uint8Array)
  assert.equal(commitment.peer, bob.peerId)
  assert.deepEqual(quote.commitmentPin, commitmentPin(commitment))
  assert.equal(quote.committedKeyCount, commitment.keyCount)
  assert.equal(await verifyStorageCommitment(commitment, world.signatures), true)
  await world.run(async () => {
    await dht.stop()
    await network.stop()
  })
  await net.stop()
})

test('who was paid is audited within a minute, and an honest node passes', async () => {
  const { net, alice, bob, paid, pay } = await town()
  const before = counter(alice, 'myrmex_replication_challenges_total', 'audit="subtree",outcome="pass"')
  const trust = alice.dht.trustOf(bob.peerId)
  pay(paid())
  pay(paid({ issuer: alice.peerId }))
  await net.world.advance(60_000)
  // Gossip may have led to another one meanwhile.
  assert.ok(
    counter(alice, 'myrmex_replication_challenges_total', 'audit="subtree",outcome="pass"') > before,
    `seed ${SEED}`,
  )
  assert.ok(alice.dht.trustOf(bob.peerId) > trust)
  // Neither self, nor the same one again so soon.
  pay(paid())
  const nominations = (outcome: string) => counter(alice, 'myrmex_replication_nominations_total', outcome)
  assert.deepEqual([nominations('queued'), nominations('ignored')], [1, 2])
  await net.stop()
})

test('a node that was paid for a commitment it does not know loses trust', async () => {
  const { net, alice, bob, paid, pay } = await town()
  const trust = alice.dht.trustOf(bob.peerId)
  pay(paid({ pin: new Uint8Array(32).fill(7) }))
  await net.world.advance(60_000)
  assert.equal(counter(alice, 'myrmex_replication_challenges_total', 'unknownCommitment'), 1, `seed ${SEED}`)
  assert.ok(alice.dht.trustOf(bob.peerId) < trust - 0.2)
  await net.stop()
})

test('a pin is found at its issuer; few are asked for in one bundle, and a missing one only once', async () => {
  const { net, alice, bob, shown } = await town()
  const asked = () => counter(bob, 'myrmex_replication_requests_total', 'getCommitmentByPin')
  const find = (bundle: ReturnType<typeof alice.replication.commitments.bundle>, pin: Uint8Array) =>
    net.world.run(() => bundle.find(bob.peerId, pin, { signal: never }))
  const missing = (n: number) => new Uint8Array(32).fill(n)
  const first = alice.replication.commitments.bundle()
  const found = await find(first, shown.pin)
  assert.deepEqual(found && commitmentPin(found), shown.pin)
  const before = asked()
  for (const n of [1, 2, 3, 4]) assert.equal(await find(first, missing(n)), undefined)
  assert.ok(asked() - before <= 3 && asked() - before >= 2, `seed ${SEED}: ${asked() - before} questions`)
  const again = asked()
  const second = alice.replication.commitments.bundle()
  assert.equal(await find(second, missing(1)), undefined)
  assert.equal(asked(), again, 'known to be missing')
  assert.equal(await find(second, missing(9)), undefined)
  assert.equal(asked(), again + 1)
  await net.stop()
})

test('audits of large chunks take no real time: the same seed gives the same run', async () => {
  const run = async () => {
    const { net, alice, paid, pay } = await town({ chunks: 6, bytes: MiB })
    const passed = () => counter(alice, 'myrmex_replication_challenges_total', 'audit="subtree",outcome="pass"')
    const before = passed()
    pay(paid())
    await net.world.advance(60_000)
    assert.ok(passed() > before, `seed ${SEED}: nobody was audited`)
    const fingerprint = net.world.fingerprint()
    await net.stop()
    return fingerprint
  }
  assert.equal(await run(), await run(), `seed ${SEED}`)
})
