/**
 * 100 whole stacks (DHT, signed messages, connections, simulated transport with loss) join through one seed, publish
 * their signed addresses, lose a fifth of the nodes without a goodbye, and still find the nearest live ones.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { never, Registry, randomBelow, type Startable, shuffled, silentLogger } from '../../src/base/index.ts'
import { backend } from '../../src/crypto/index.ts'
import { closest, createDht, type DhtService } from '../../src/dht/index.ts'
import { createNetwork, type Network } from '../../src/network/index.ts'
import { type Key, keyOf, type PeerId } from '../../src/protocol/index.ts'
import { type SimHost, SimWorld } from '../../src/sim/index.ts'

const NODES = 100
const KEYS = 100
const SEED = Number(process.env['SIM_SEED'] ?? 5)
const PORT = 10_000

interface Stack {
  readonly host: SimHost
  readonly network: Network & Startable
  readonly dht: DhtService
}

function addStack(world: SimWorld, index: number, seed: string | undefined): Stack {
  const host = world.network.addHost()
  const signer = world.signer(`node ${index}`)
  const clock = host.clock
  const random = world.random(`node ${index} dice`)
  const shared = { clock, random, log: silentLogger, signer, verifier: world.signatures }
  const network = createNetwork(
    {
      ...shared,
      transport: host.createTransport({ port: PORT, publicKey: signer.publicKey }),
      registry: new Registry(),
      addressBook: { addressesOf: (peer: PeerId) => dht.addressesOf(peer) },
      faults: { peerFault: (peer, fault) => dht.peerFault(peer, fault) },
    },
    { userAgent: 'node/sim' },
  )
  const seeds = seed === undefined ? [] : [{ address: { ip: seed, port: PORT } }]
  const dht: DhtService = createDht({ ...shared, network }, { seeds })
  return { host, network, dht }
}

async function run(nodes: number, keys: number): Promise<{ report: Record<string, number>; fingerprint: string }> {
  const world = new SimWorld({ seed: SEED, hash: backend() })
  const stacks: Stack[] = []
  for (let i = 0; i < nodes; i++) stacks.push(addStack(world, i, stacks[0]?.host.ip))
  await world.run(() => Promise.all(stacks.map(({ network }) => network.start(never))))
  for (let i = 0; i < nodes; i += 20) {
    await world.run(() => Promise.all(stacks.slice(i, i + 20).map(({ dht }) => dht.start(never))))
  }
  await world.advance(15_000)
  const joined = stacks.filter(({ dht }) => dht.bootstrapped).length
  const dice = world.random('test')
  const order = shuffled(dice, stacks)
  const live = order.slice(nodes / 5).map((stack) => ({ ...stack, key: keyOf(stack.network.self) }))
  for (const { host } of order.slice(0, nodes / 5)) host.kill()
  let exact = 0
  const one = async () => {
    const target = dice.bytes(32) as Key
    const asker = live[randomBelow(dice, live.length)] as (typeof live)[number]
    const result = await asker.dht.lookup(target, 7, { signal: never })
    const expected = closest(target, live, 7).map(({ network }) => network.self)
    if (expected.join() === result.closest.map(({ peer }) => peer).join()) exact++
  }
  for (let i = 0; i < keys; i += 20) await world.run(() => Promise.all(Array.from({ length: 20 }, one)))
  const withRecord = live.map(
    ({ dht, key }) => dht.closestLocal(key, 20).filter(({ peer }) => dht.signedRecordOf(peer)).length,
  )
  const report = { joined, exact, recordsOf20: Math.min(...withRecord), virtualMs: world.clock.monotonic() }
  await world.run(() => Promise.all(live.map(({ dht }) => dht.stop())))
  await world.run(() => Promise.all(live.map(({ network }) => network.stop())))
  return { report, fingerprint: world.fingerprint() }
}

test(`${NODES} whole stacks join, publish, lose a fifth and find the rest (SIM_SEED=${SEED})`, async () => {
  const { report, fingerprint } = await run(NODES, KEYS)
  console.log(JSON.stringify({ seed: SEED, nodes: NODES, keys: KEYS, ...report, fingerprint }))
  assert.equal(report['joined'], NODES)
  assert.ok((report['exact'] as number) >= 0.99 * KEYS, `exact in ${report['exact']} of ${KEYS}`)
  assert.ok((report['recordsOf20'] as number) >= 10, 'most neighbours have published signed records')
})

test(`one seed gives the same run, byte for byte (SIM_SEED=${SEED})`, async () => {
  assert.deepEqual(await run(20, 20), await run(20, 20))
})
