/** Round 1 of a subtree audit (replication.md 16): what a responder gives, what an auditor checks. */
import { equal } from '../base/index.ts'
import { type BlockKernels, ceilLog2, type Verifier } from '../crypto/index.ts'
import {
  type ChunkAddress,
  chunkAddressOf,
  keyOf,
  type PeerId,
  POINTER_BYTES,
  type StorageCommitment,
  type SubtreeAuditResult,
  type SubtreeLeaf,
  type SubtreeProof,
} from '../protocol/index.ts'
import { type CommitmentFault, checkCommitment, type Pin } from './commitment.ts'
import { type CommitmentTree, foldLevel } from './commitment-tree.ts'
import { entryKey, isPointer } from './entries.ts'
import { ascending, leafHasher, leafKind, nodeHash, pointerLeafHash } from './hashes.ts'
import { blockKey, type ChallengeBinding } from './nonced-blocks.ts'
import { type SubtreePlan, subtreePlan } from './subtree-plan.ts'

const HASH_BYTES = 32

export interface PlannedLeaf {
  readonly key: ChunkAddress
  readonly kind: 'chunk' | 'pointer'
}

/** What a responder must read for a plan, in the order of the proof. */
export function plannedLeaves(tree: CommitmentTree, { firstLeaf, endLeaf }: SubtreePlan): PlannedLeaf[] {
  return Array.from({ length: endLeaf - firstLeaf }, (_, i) => {
    const index = firstLeaf + i
    const key = chunkAddressOf(entryKey(tree.entries, index))
    return { key, kind: isPointer(tree.entries, index) ? 'pointer' : 'chunk' }
  })
}

/**
 * Leaf of the bytes that were read; undefined when they are not those of the address: a corrupt chunk is a missing one.
 * `content` is borrowed until it settles.
 */
export async function proveLeaf(
  { key, kind }: PlannedLeaf,
  content: Uint8Array,
  challenge: ChallengeBinding,
  kernels: BlockKernels,
): Promise<SubtreeLeaf | undefined> {
  const address = keyOf(key)
  if (kind === 'pointer' && content.length !== POINTER_BYTES) return undefined
  if (kind === 'chunk' && !equal(await kernels.blake3(content), address)) return undefined
  const bytesHash = kind === 'chunk' ? address : pointerLeafHash(address)
  const noncedRoot = await kernels.noncedRoot(blockKey(challenge, key), content)
  return { key, bytesHash, contentLength: content.length, noncedRoot }
}

/** `leaves` are those of the plan, in its order. */
export function buildProof(tree: CommitmentTree, plan: SubtreePlan, leaves: readonly SubtreeLeaf[]): SubtreeProof {
  return { leaves, siblingCutHashes: tree.cutHashes(plan) }
}

/** `binding`: a leaf whose bytes hash is neither its key nor a pointer's. */
export type StructureFault = 'plan' | 'leafCount' | 'cutCount' | 'order' | 'root' | 'binding'

/**
 * undefined when the proof is the planned part of the tree. Lengths and nonced roots are not bound by this: round 2
 * does that. The cheap checks come first.
 */
export function checkStructure(
  { leaves, siblingCutHashes }: SubtreeProof,
  nonce: Uint8Array,
  { root, keyCount }: Pick<StorageCommitment, 'root' | 'keyCount'>,
): StructureFault | undefined {
  const plan = subtreePlan(nonce, keyCount)
  if (plan === undefined) return 'plan'
  if (leaves.length !== plan.endLeaf - plan.firstLeaf) return 'leafCount'
  if (siblingCutHashes.length !== plan.depth) return 'cutCount'
  if (!ascending(leaves)) return 'order'
  if (!equal(rebuiltRoot(leaves, siblingCutHashes, plan, keyCount), root)) return 'root'
  return leaves.every((leaf) => leafKind(leaf) !== undefined) ? undefined : 'binding'
}

function rebuiltRoot(
  leaves: readonly SubtreeLeaf[],
  cutHashes: readonly Uint8Array[],
  { slot, depth }: SubtreePlan,
  keyCount: number,
): Uint8Array {
  const hashes = new Uint8Array(leaves.length * HASH_BYTES)
  for (const [i, { key, bytesHash }] of leaves.entries()) leafHasher.into(keyOf(key), bytesHash, hashes, i * HASH_BYTES)
  let count = leaves.length
  for (let level = ceilLog2(keyCount) - depth; level > 0; level--) count = foldLevel(hashes, count)
  let hash: Uint8Array = hashes.subarray(0, HASH_BYTES)
  for (let up = 0; up < depth; up++) {
    const sibling = cutHashes[depth - 1 - up] as Uint8Array
    const isLeft = Math.floor(slot / 2 ** up) % 2 === 0
    hash = isLeft ? nodeHash(hash, sibling) : nodeHash(sibling, hash)
  }
  return hash
}

/** What an auditor asked for in round 1. */
export interface RoundOne extends ChallengeBinding {
  readonly challengeId: bigint
  readonly challengedPeer: PeerId
  readonly pin: Pin
}

export type RoundOneVerdict =
  | { readonly kind: 'proven'; readonly commitment: StorageCommitment; readonly leaves: readonly SubtreeLeaf[] }
  | { readonly kind: 'commitment'; readonly fault: CommitmentFault }
  | { readonly kind: 'structure'; readonly fault: StructureFault }
  /** An answer to another challenge. */
  | { readonly kind: 'malformed' }
  | { readonly kind: 'bootstrapping' }
  | { readonly kind: 'transient' | 'unknownCommitment' | 'protocol' }

export async function judgeRoundOne(
  result: SubtreeAuditResult,
  challenge: RoundOne,
  verifier: Verifier,
): Promise<RoundOneVerdict> {
  if (result.challengeId !== challenge.challengeId) return { kind: 'malformed' }
  if (result.kind === 'bootstrapping') return { kind: 'bootstrapping' }
  if (result.kind === 'rejected') return { kind: result.reject }
  const { commitment, proof } = result
  const expected = { peer: challenge.challengedPeer, pin: challenge.pin }
  const commitmentFault = await checkCommitment(commitment, expected, verifier)
  if (commitmentFault !== undefined) return { kind: 'commitment', fault: commitmentFault }
  const structureFault = checkStructure(proof, challenge.nonce, commitment)
  if (structureFault !== undefined) return { kind: 'structure', fault: structureFault }
  return { kind: 'proven', commitment, leaves: proof.leaves }
}
