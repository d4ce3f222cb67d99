/** Whole networks in virtual time: one seed is one run, byte for byte; kills, partitions and loss are survived. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { never, randomBelow, utf8 } from '../../src/base/index.ts'
import { published, SEED, simHarness, type TestNode } from '../support/network-harness.ts'

const TOPIC = 'test.topic'
const NODES = 20

/** Nodes that greet each other at random while hosts die, come back and are cut off. */
async function storm(seed: number): Promise<{ fingerprint: string; delivered: number; lines: readonly string[] }> {
  const h = simHarness({ seed, latencyMs: 40, keepTrace: 200_000 })
  h.world.network.setPacketLoss(0.02)
  const random = h.world.random('storm')
  let delivered = 0
  const nodes: (TestNode & { boot: number })[] = []
  const build = (index: number) => {
    const host = nodes[index]?.host
    const node = h.node(`n${index}`, {
      port: 9000,
      ...(host ? { host, signer: nodes[index]?.signer as TestNode['signer'] } : {}),
    })
    node.network.handle(TOPIC, { maxBytes: 1 << 20 }, () => void delivered++)
    node.network.handleRequests('echo', { maxBytes: 1 << 20 }, async (data) => data)
    nodes[index] = { ...node, boot: (nodes[index]?.boot ?? -1) + 1 }
    return node
  }
  const live = (index: number) => nodes[index]?.host?.up === true
  const chatter = async (index: number) => {
    const own = nodes[index] as TestNode
    const clock = own.host?.clock ?? h.clock
    for (;;) {
      await clock.sleep(100 + randomBelow(random, 1000), never)
      const other = nodes[randomBelow(random, NODES)] as TestNode
      if (other.network.self === own.network.self) continue
      const addresses = published({ ip: other.host?.ip as string, port: 9000 })
      try {
        await own.network.connect(other.network.self, { signal: never, addresses })
        if (random.float() < 0.5)
          await own.network.send(
            other.network.self,
            TOPIC,
            random.bytes(randomBelow(random, random.float() < 0.05 ? 60_000 : 1000)),
            {
              signal: never,
            },
          )
        else await own.network.request(other.network.self, 'echo', utf8('?'), { signal: never, timeoutMs: 5000 })
      } catch {
        // The other is dead or cut off: that is the test.
      }
    }
  }
  const boot = async (index: number) => {
    await build(index).network.start(never)
    void chatter(index)
  }
  await h.run(async () => {
    for (let i = 0; i < NODES; i++) await boot(i)
  })
  for (let minute = 0; minute < 3; minute++) {
    const victim = randomBelow(random, NODES)
    const host = nodes[victim]?.host
    if (host && live(victim)) host.kill()
    await h.world.advance(15_000)
    h.world.network.partition([nodes.slice(0, 7).flatMap(({ host }) => host ?? [])])
    await h.world.advance(20_000)
    h.world.network.heal()
    host?.restart()
    if (host) await h.run(() => boot(victim))
    await h.world.advance(25_000)
  }
  return { fingerprint: h.world.fingerprint(), delivered, lines: h.world.trace.lines }
}

test('one seed gives the same run, another seed another', async () => {
  const [first, second, other] = [await storm(SEED), await storm(SEED), await storm(SEED + 1)]
  const parting = first.lines.findIndex((line, i) => line !== second.lines[i])
  assert.equal(
    parting,
    -1,
    `runs of seed ${SEED} part at line ${parting}: ${first.lines[parting]} / ${second.lines[parting]}`,
  )
  assert.equal(first.fingerprint, second.fingerprint)
  assert.notEqual(first.fingerprint, other.fingerprint)
  assert.ok(first.delivered > 500, `${first.delivered} messages were delivered`)
})
