/** A few honest nodes with chunks and commitments, and attackers among them. */
import assert from 'node:assert/strict'
import { chooseOpenings, judgeRoundOne, judgeRoundTwo, type Pin, pinOfCommitment } from '../../../src/audit/index.ts'
import { type Bytes, fromHex, minute, seededRandom } from '../../../src/base/index.ts'
import { SimulatedDevnet, type SimulatedNode } from '../../../src/devnet/index.ts'
import type {
  ChunkAddress,
  ReplicationBody,
  SliceOpening,
  StorageCommitment,
  SubtreeAuditResult,
  SubtreeChallenge,
  SubtreeLeaf,
  SubtreeSliceResult,
} from '../../../src/protocol/index.ts'
import { Attacker, watchTrust } from '../../support/attacker.ts'

export const SEED = Number(process.env['SIM_SEED'] ?? 47)
const MAX_CHUNK = 9000

export interface Town {
  readonly net: SimulatedDevnet
  readonly chunks: ReadonlyMap<ChunkAddress, Bytes>
}

/** Nodes that caught up, with chunks on all of them and a commitment over these. */
export async function town(nodes: number, chunks = 0): Promise<Town> {
  const net = new SimulatedDevnet({ seed: SEED })
  await net.start(nodes)
  await net.world.advance(minute)
  const contents = new Map<ChunkAddress, Bytes>()
  if (chunks === 0) return { net, chunks: contents }
  const client = await net.connectClient('people')
  const dice = seededRandom(SEED)
  for (let i = 0; i < chunks; i++) {
    const content = dice.bytes(1 + Math.floor(dice.float() * MAX_CHUNK))
    const { address } = await net.world.run(() => client.putChunk(content))
    contents.set(address, content)
  }
  // Commitments are built once an hour.
  await net.world.advance(61 * minute)
  for (const { store, index } of net.nodes) assert.equal(store.size, chunks, `SIM_SEED=${SEED}: node ${index}`)
  return { net, chunks: contents }
}

/** An attacker whom every node has in its table. */
export async function intruder(net: SimulatedDevnet, name: string): Promise<Attacker> {
  const attacker = await Attacker.join(net, name)
  for (let waited = 0; waited < 20; waited++) {
    if (net.nodes.every(({ dht, host }) => !host.up || dht.peers().includes(attacker.peerId))) return attacker
    await net.world.advance(5000)
  }
  assert.fail(`SIM_SEED=${SEED}: ${name} is not in every table`)
}

export const sync = (
  more: Partial<Extract<ReplicationBody, { kind: 'neighborSyncRequest' }>> = {},
): ReplicationBody => ({
  ...{ kind: 'neighborSyncRequest', replicaHints: [], paidHints: [], bootstrapping: false },
  ...more,
})

/** The commitment that a node shows to whoever syncs with it. */
export async function shownBy(node: SimulatedNode, attacker: Attacker): Promise<StorageCommitment> {
  const answer = await attacker.ask(node, sync())
  assert.ok(answer?.kind === 'neighborSyncResponse' && answer.commitment, `SIM_SEED=${SEED}: no commitment`)
  return answer.commitment
}

const dice = seededRandom(SEED + 1)

export function challengeFor(node: SimulatedNode, pin: Pin): SubtreeChallenge {
  return {
    challengeId: BigInt(dice.uint32()),
    nonce: dice.bytes(32),
    challengedPeer: node.peerId,
    expectedCommitmentHash: fromHex(pin) as Bytes,
  }
}

/** undefined: no answer. */
export async function roundOne(
  attacker: Attacker,
  node: SimulatedNode,
  challenge: SubtreeChallenge,
): Promise<SubtreeAuditResult | undefined> {
  const answer = await attacker.ask(node, { kind: 'subtreeAuditChallenge', ...challenge })
  if (answer === undefined) return undefined
  assert.equal(answer.kind, 'subtreeAuditResponse')
  return answer.result
}

export async function roundTwo(
  attacker: Attacker,
  node: SimulatedNode,
  challenge: SubtreeChallenge,
  openings: readonly SliceOpening[],
): Promise<SubtreeSliceResult | undefined> {
  const answer = await attacker.ask(node, { kind: 'subtreeSliceChallenge', ...challenge, openings })
  if (answer === undefined) return undefined
  assert.equal(answer.kind, 'subtreeSliceResponse')
  return answer.result
}

/** Round 1 that must succeed, and its leaves. */
export async function provenLeaves(
  { net }: Town,
  attacker: Attacker,
  node: SimulatedNode,
  challenge: SubtreeChallenge,
  pin: Pin,
): Promise<readonly SubtreeLeaf[]> {
  const result = await roundOne(attacker, node, challenge)
  assert.ok(result, `SIM_SEED=${SEED}: no answer`)
  const verdict = await judgeRoundOne(result, { ...challenge, pin }, net.world.signatures)
  assert.ok(verdict.kind === 'proven', `SIM_SEED=${SEED}: ${JSON.stringify(verdict)}`)
  return verdict.leaves
}

/** Both rounds as an honest auditor makes them: `pass`, or what went wrong. */
export async function auditOnce(all: Town, attacker: Attacker, node: SimulatedNode): Promise<string> {
  const pin = pinOfCommitment(await shownBy(node, attacker))
  const challenge = challengeFor(node, pin)
  const leaves = await provenLeaves(all, attacker, node, challenge, pin)
  const openings = chooseOpenings(leaves, dice)
  const result = await roundTwo(attacker, node, challenge, openings)
  if (!result) return 'silent'
  const byKey = new Map(leaves.map((leaf) => [leaf.key, leaf]))
  const asked = { ...challenge, openings, leaves: byKey }
  return (await judgeRoundTwo(result, asked, all.net.world.signatures)).kind
}

/** Reads of the node's store from now on. */
export function countReads({ store }: SimulatedNode): { reads: number } {
  const counted = { reads: 0 }
  const get = store.get.bind(store)
  store.get = (...all) => {
    counted.reads++
    return get(...all)
  }
  return counted
}

/** Every read of the node takes so long. */
export function slowReads({ store, host }: SimulatedNode, ms: number): void {
  const get = store.get.bind(store)
  store.get = async (...all) => {
    await host.clock.sleep(ms, new AbortController().signal)
    return get(...all)
  }
}

export { Attacker, watchTrust }
