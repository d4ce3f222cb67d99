/** Strangers that ask a whole engine for digests, as many as they may: what is left for its neighbours. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { PeerId } from '../../../src/protocol/index.ts'
import { metric } from '../../support/network-harness.ts'
import { type Auditee, auditee, SEED } from './support/auditee.ts'
import { peerAt } from './support/seeds.ts'

const NEIGHBOURS = [peerAt(1), peerAt(2)] as const
const STRANGERS = [peerAt(10), peerAt(11), peerAt(12), peerAt(13)] as const
const seed = `SIM_SEED=${SEED}`

/** Each of them asks eight times at once, for all keys that it may, and never reads an answer. */
function flood({ ask, keys }: Auditee, peers: readonly PeerId[]): void {
  const answered = new Promise<void>(() => undefined)
  for (const peer of peers) for (let i = 0; i < 8; i++) void ask(peer, keys.slice(0, 20), { answered })
}

const busy = ({ engine }: Auditee) =>
  metric(engine.registry, 'myrmex_replication_requests_total{kind="auditChallenge",outcome="busy"}')

test('four strangers flood: the challenges of two neighbours are answered, while the flood is read and after it', async () => {
  const node = await auditee({ chunks: 100, readMs: 5, neighbours: NEIGHBOURS })
  flood(node, STRANGERS)
  await node.engine.pump.advance(2)
  const dropped = busy(node)
  const ask = async (peer: PeerId) => {
    const answer = node.ask(peer, node.keys.slice(0, 10))
    await node.engine.pump.advance(1000)
    return (await answer)?.kind
  }
  for (const peer of NEIGHBOURS) assert.equal(await ask(peer), 'digests', seed)
  assert.equal(dropped, 16, `${seed}: half of the flood found a place`)
  assert.equal(await ask(peerAt(14)), undefined, 'another stranger finds none')
  await node.engine.pump.advance(10_000)
  flood(node, STRANGERS)
  for (const peer of NEIGHBOURS) assert.equal(await ask(peer), 'digests', `${seed}: the answers that nobody reads`)
})
