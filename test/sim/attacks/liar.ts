/** A peer that shows a commitment over data which it does not keep, or not all of it, and a whole node that audits it. */
import assert from 'node:assert/strict'
import * as audit from '../../../src/audit/index.ts'
import { minute, seededRandom } from '../../../src/base/index.ts'
import type { SimulatedNode } from '../../../src/devnet/index.ts'
import type {
  ReplicationBody,
  SliceItem,
  StorageCommitment,
  SubtreeAuditResult,
  SubtreeLeaf,
  SubtreeSliceResult,
} from '../../../src/protocol/index.ts'
import { addChunk, answerRoundOne, answerRoundTwo, commit, type Node } from '../../unit/audit/world.ts'
import { type Attacker, intruder, SEED, sync, type Town, town, watchTrust } from './town.ts'

export type Proof = Extract<SubtreeAuditResult, { kind: 'proof' }>
export type Items = Extract<SubtreeSliceResult, { kind: 'items' }>

export interface Lie {
  /** What is shown in gossip, and so pinned; the honest commitment without. */
  readonly shown?: (liar: Liar) => Promise<StorageCommitment>
  readonly one?: (
    honest: Proof,
    liar: Liar,
    challenge: audit.RoundOne,
  ) => SubtreeAuditResult | Promise<SubtreeAuditResult>
  readonly two?: (
    honest: Items,
    liar: Liar,
    challenge: audit.RoundTwo,
  ) => SubtreeSliceResult | Promise<SubtreeSliceResult>
}

export interface Liar {
  readonly all: Town
  readonly auditor: SimulatedNode
  readonly attacker: Attacker
  readonly data: Node
  readonly signed: audit.SignedTree
  readonly trust: ReturnType<typeof watchTrust>
}

const CHUNKS = 40
export const FAILED = { success: false, weight: 5, reason: 'a subtree audit failed' }
export const PASSED = { success: true, weight: 1, reason: 'an audit passed' }
export const dice = seededRandom(SEED + 2)

/** A node that holds nothing, and a peer that shows a commitment and answers as the lie says. */
export async function liarIn(all: Town, lie: Lie, chunks = CHUNKS, bytes = 2000): Promise<Liar> {
  const auditor = all.net.nodes[0] as SimulatedNode
  const attacker = await intruder(all.net, 'liar')
  const data: Node = { signer: attacker.signer, peer: attacker.peerId, contents: new Map(), pointers: new Map() }
  for (let i = 0; i < chunks; i++) addChunk(data, dice.bytes(bytes + i * 100))
  const liar = { all, auditor, attacker, data, signed: await commit(data), trust: watchTrust(auditor) }
  const leaves: SubtreeLeaf[] = []
  attacker.script = async (body): Promise<ReplicationBody | undefined> => {
    if (body.kind === 'neighborSyncRequest')
      return { kind: 'neighborSyncResponse', replicaHints: [], paidHints: [], bootstrapping: false, rejectedKeys: [] }
    if (body.kind === 'subtreeAuditChallenge') {
      const pin = audit.pinOf(body.expectedCommitmentHash)
      const challenge = { ...body, pin }
      const honest = await answerRoundOne(data, liar.signed, challenge)
      const result = (await lie.one?.(honest, liar, challenge)) ?? honest
      leaves.splice(0, leaves.length, ...(result.kind === 'proof' ? result.proof.leaves : []))
      return { kind: 'subtreeAuditResponse', result }
    }
    if (body.kind !== 'subtreeSliceChallenge') return undefined
    const pin = audit.pinOf(body.expectedCommitmentHash)
    const challenge = { ...body, pin, leaves: new Map(leaves.map((leaf) => [leaf.key, leaf])) }
    const honest: Items = { kind: 'items', challengeId: body.challengeId, items: await honestItems(data, challenge) }
    return { kind: 'subtreeSliceResponse', result: (await lie.two?.(honest, liar, challenge)) ?? honest }
  }
  return liar
}

/** As far as the bytes go: a block that the content does not have is answered with its last one. */
export async function honestItems(data: Node, challenge: audit.RoundTwo): Promise<SliceItem[]> {
  const openings = challenge.openings.map((opening) => {
    const blocks = Math.ceil((data.contents.get(opening.key)?.length ?? 1) / 1024)
    return { ...opening, blockIndex: Math.min(opening.blockIndex, blocks - 1) }
  })
  const items = await answerRoundTwo(data, { ...challenge, openings })
  return items.map((item, i) =>
    item.kind === 'present' ? { ...item, blockIndex: challenge.openings[i]?.blockIndex as number } : item,
  )
}

/** Shows the commitment every half hour until the node has audited it once more. */
export async function gossipUntilAudited(
  { all, auditor, attacker, signed }: Liar,
  shown?: StorageCommitment,
): Promise<void> {
  const before = audits(auditor)
  for (let tries = 0; tries < 60; tries++) {
    await attacker.ask(auditor, sync({ commitment: shown ?? signed.commitment }))
    await all.net.world.advance(31 * minute)
    if (audits(auditor) > before) return
  }
  assert.fail(`SIM_SEED=${SEED}: never audited`)
}

/** Verdicts of the node's subtree audits, each with its number. */
export function verdicts({ registry }: SimulatedNode): Record<string, number> {
  const found = registry
    .render()
    .matchAll(/^myrmex_replication_challenges_total\{audit="subtree",outcome="(\w+)"\} (\d+)$/gm)
  return Object.fromEntries([...found].map(([, verdict, count]) => [verdict, Number(count)]))
}
export function audits(node: SimulatedNode): number {
  return Object.values(verdicts(node)).reduce((sum, count) => sum + count, 0)
}

/** What the node charged the liar, by audits alone. */
export function charged({ trust, attacker }: Liar): { success: boolean; weight: number; reason: string }[] {
  return trust.flatMap(({ peer, ...event }) => (peer === attacker.peerId ? [event] : []))
}

/** One audit of one liar, which must end in this verdict and cost 5.0. */
export async function caught(lie: Lie, expected: readonly string[], chunks = CHUNKS, bytes = 2000): Promise<Liar> {
  const liar = await liarIn(await town(2), lie, chunks, bytes)
  await gossipUntilAudited(liar, await lie.shown?.(liar))
  const [verdict] = Object.keys(verdicts(liar.auditor))
  assert.ok(verdict && expected.includes(verdict), `SIM_SEED=${SEED}: ${verdict}`)
  assert.deepEqual(charged(liar), [FAILED], `SIM_SEED=${SEED}`)
  assert.equal(liar.auditor.store.size, 0)
  await liar.all.net.stop()
  return liar
}

export const mapLeaves = (result: Proof, change: (leaf: SubtreeLeaf, i: number) => SubtreeLeaf): Proof => ({
  ...result,
  proof: { ...result.proof, leaves: result.proof.leaves.map(change) },
})
export const forgedRoots = (result: Proof) => mapLeaves(result, (leaf) => ({ ...leaf, noncedRoot: dice.bytes(32) }))
