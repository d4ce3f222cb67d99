/** Strangers that ask a whole engine for digests, as many as they may: what is left for its neighbours. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { day, never, type Random, randomBetween, second } from '../../../src/base/index.ts'
import type { RequestContext, RequestHandler } from '../../../src/network/index.ts'
import {
  decodeReplicationMessage,
  encodeReplicationMessage,
  MAX_CHUNK_BYTES,
  type PeerId,
  TOPIC_SUBTREE_AUDIT,
} from '../../../src/protocol/index.ts'
import { REPLICATION_DEFAULTS } from '../../../src/replication/options.ts'
import type { PeerBudget } from '../../../src/replication/traffic/answers.ts'
import { PeerBudgets } from '../../../src/replication/traffic/peer-budgets.ts'
import { SimClock } from '../../../src/sim/index.ts'
import { metric } from '../../support/network-harness.ts'
import { type Auditee, auditee, NONCE, SEED } from './support/auditee.ts'
import { loneEngine, SELF } from './support/engine.ts'
import { forSeeds, many, peerAt } from './support/seeds.ts'

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

test('a node that joins says so to everybody who asks for its commitment at one moment', async () => {
  const engine = await loneEngine()
  await engine.pump.run(() => engine.replication.start(never))
  assert.ok(engine.replication.bootstrapping)
  const body = {
    ...{ kind: 'subtreeAuditChallenge' as const, challengeId: 1n, nonce: NONCE, challengedPeer: SELF },
    expectedCommitmentHash: NONCE,
  }
  const handler = engine.handlers.get(TOPIC_SUBTREE_AUDIT) as RequestHandler
  const ask = async (peer: PeerId) => {
    const context = {
      from: { peer },
      signal: never,
      answered: new Promise(() => undefined),
    } as unknown as RequestContext
    const answer = await handler(encodeReplicationMessage({ requestId: 1n, body }), context)
    return answer && decodeReplicationMessage(answer as Uint8Array).body
  }
  const result = { kind: 'bootstrapping', challengeId: 1n }
  // Twice by the first: what is not worked on takes nobody's turn.
  for (const peer of [...STRANGERS, STRANGERS[0]])
    assert.deepEqual(await ask(peer), { kind: 'subtreeAuditResponse', result })
  await engine.pump.run(() => engine.replication.stop())
})

/** Five keys of 1000 bytes at once, and one a second. */
const SMALL = { digestBurstBytes: 5000, digestBytesPerSecond: 1000 }

test('over the budget a challenge is refused where it stands: a peer pays for itself, strangers for each other', async () => {
  const node = await auditee({ chunks: 100, chunkBytes: 1000, neighbours: NEIGHBOURS, options: SMALL })
  const ask = async (peer: PeerId, keys: number) => {
    const before = node.reads.length
    const kind = (await node.ask(peer, node.keys.slice(0, keys)))?.kind
    return [kind, node.reads.length - before]
  }
  assert.deepEqual(await ask(STRANGERS[0], 4), ['digests', 4])
  assert.deepEqual(await ask(STRANGERS[1], 20), ['rejected', 1], seed)
  for (const stranger of STRANGERS) assert.deepEqual(await ask(stranger, 1), ['rejected', 0], seed)
  assert.deepEqual(await ask(NEIGHBOURS[0], 20), ['rejected', 5], 'neighbours have a budget too')
  assert.deepEqual(await ask(NEIGHBOURS[1], 5), ['digests', 5], 'each its own')
  await node.engine.pump.advance(1000)
  assert.deepEqual(await ask(STRANGERS[2], 1), ['digests', 1])
  assert.deepEqual(await ask(STRANGERS[3], 1), ['rejected', 0])
})

/** An SSD: 500 MiB/s. */
const DISK_CHUNKS_PER_SECOND = 125

interface Load {
  readonly auditors: number
  /** Chunks of one digest audit: the root of the auditor's. */
  readonly sample: number
  /** Chance that an audit is of us. */
  readonly asksUs: number
  /** Chunks of one prune pass, after each cycle of syncs. */
  readonly pruned: number
  /** Possession checks. */
  readonly freshPerSecond: number
}

/** Reads of 4 MiB each that find the budget used up. */
function refusedInADay(random: Random, budget: PeerBudget, clock: SimClock, load: Load): number {
  const { auditors, sample, asksUs, pruned, freshPerSecond } = load
  const next = many(auditors, () => ({ auditS: random.float() * 1200, pruneS: random.float() * 3000 }))
  let [waiting, refused] = [0, 0]
  for (let s = 0; s < day / second; s++) {
    clock.moveTo(s * second)
    for (const each of next) {
      if (s >= each.auditS) {
        each.auditS = s + randomBetween(random, 600, 1200)
        if (random.float() < asksUs) waiting += sample
      }
      if (s >= each.pruneS) {
        each.pruneS = s + randomBetween(random, 3000, 6000)
        waiting += pruned
      }
    }
    const read = Math.min(waiting, DISK_CHUNKS_PER_SECOND)
    waiting -= read
    for (let i = 0; i < read + freshPerSecond; i++) {
      if (budget.isOpen()) budget.charge(MAX_CHUNK_BYTES)
      else refused++
    }
  }
  return refused
}

test('honest auditors never meet the budget: one of a million chunks, twenty strangers of 100,000', () => {
  const worst = { auditors: 1, sample: 1000, asksUs: 1, pruned: 1024, freshPerSecond: 12 }
  const twenty = { auditors: 20, sample: 316, asksUs: 1 / 20, pruned: 316, freshPerSecond: 1 }
  forSeeds(3, (random) => {
    for (const [peer, load] of [
      [NEIGHBOURS[0], worst],
      [STRANGERS[0], twenty],
    ] as const) {
      const clock = new SimClock()
      const budgets = new PeerBudgets(REPLICATION_DEFAULTS, clock, (asked) => asked === NEIGHBOURS[0])
      assert.equal(refusedInADay(random, budgets.digests(peer), clock, load), 0)
    }
  })
})
