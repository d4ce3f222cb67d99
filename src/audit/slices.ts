/** Round 2 of a subtree audit (replication.md 17): which blocks are asked for, who answers what, what that proves. */
import { equal, type Random, randomBelow, shuffled } from '../base/index.ts'
import { type BlockKernels, backend, blockCount, type Verifier, verifyBaoSlice } from '../crypto/index.ts'
import {
  type ChunkAddress,
  keyOf,
  MAX_POINTER_RECORDS,
  MAX_SLICE_OPENINGS,
  POINTER_BYTES,
  type PointerRecord,
  parsePointer,
  pointerAddress,
  type SliceItem,
  type SliceOpening,
  type SubtreeLeaf,
  type SubtreeSliceResult,
  verifyPointer,
} from '../protocol/index.ts'
import { leafKind } from './hashes.ts'
import { blockKey, type ChallengeBinding, verifyNoncedBlock } from './nonced-blocks.ts'

export const SAMPLED_LEAVES = 5

/**
 * Up to 5 of the proven leaves. Of a chunk one block by chance and the last one, which holds its length to account; of
 * a pointer block 0. `random` must be fresh and drawn after the proof arrived: known earlier, the sample could be
 * fetched from others.
 */
export function chooseOpenings(leaves: readonly SubtreeLeaf[], random: Random): SliceOpening[] {
  return shuffled(random, leaves)
    .slice(0, SAMPLED_LEAVES)
    .flatMap((leaf) => {
      const { key } = leaf
      if (leafKind(leaf) === 'pointer') return [{ key, blockIndex: 0 }]
      const last = blockCount(leaf.contentLength) - 1
      const drawn = randomBelow(random, last + 1)
      return [...new Set([drawn, last])].map((blockIndex) => ({ key, blockIndex }))
    })
}

export type OpeningsFault = 'openings' | 'keys' | 'outside'

/** Whether a challenge asks for more than round 1 allows: answered Rejected/Protocol, and nothing is read. */
export function checkOpenings(
  openings: readonly SliceOpening[],
  audited: ReadonlySet<ChunkAddress>,
): OpeningsFault | undefined {
  if (openings.length > MAX_SLICE_OPENINGS) return 'openings'
  const keys = new Set(openings.map(({ key }) => key))
  if (keys.size > SAMPLED_LEAVES) return 'keys'
  return [...keys].every((key) => audited.has(key)) ? undefined : 'outside'
}

/** The answer for one block; undefined when the content has no such block. `content` is borrowed until it settles. */
export async function openBlock(
  { key, blockIndex }: SliceOpening,
  content: Uint8Array,
  challenge: ChallengeBinding,
  kernels: BlockKernels,
): Promise<SliceItem | undefined> {
  if (blockIndex >= blockCount(content.length)) return undefined
  const baoSlice = await kernels.baoSlice(content, blockIndex)
  const path = await kernels.noncedPath(blockKey(challenge, key), content, blockIndex)
  const noncedSiblings = Array.from({ length: path.length / 32 }, (_, i) => path.subarray(i * 32, (i + 1) * 32))
  return { kind: 'present', key, blockIndex, baoSlice, noncedSiblings }
}

/** Whether a record is the one whose nonced root stood in round 1. */
export function recordMatches(
  record: Uint8Array,
  key: ChunkAddress,
  noncedRoot: Uint8Array,
  challenge: ChallengeBinding,
): boolean {
  if (record.length !== POINTER_BYTES) return false
  return equal(backend().noncedRoot(blockKey(challenge, key), record), noncedRoot)
}

/** What an auditor asked for in round 2. */
export interface RoundTwo extends ChallengeBinding {
  readonly challengeId: bigint
  readonly openings: readonly SliceOpening[]
  /** Those of round 1, by key; every opening has one. */
  readonly leaves: ReadonlyMap<ChunkAddress, SubtreeLeaf>
}

export type RoundTwoVerdict =
  | { readonly kind: 'pass' }
  | { readonly kind: 'malformed' | 'keyAbsent' | 'digestMismatch' }
  | { readonly kind: 'bootstrapping' }
  | { readonly kind: 'transient' | 'unknownCommitment' | 'protocol' }

/** Needs no copy of the data: the address and the nonced root say all. */
export async function judgeRoundTwo(
  result: SubtreeSliceResult,
  challenge: RoundTwo,
  verifier: Verifier,
): Promise<RoundTwoVerdict> {
  if (result.challengeId !== challenge.challengeId) return { kind: 'malformed' }
  if (result.kind === 'bootstrapping') return { kind: 'bootstrapping' }
  if (result.kind === 'rejected') return { kind: result.reject }
  const asked = new Set(challenge.openings.map(openingName))
  const items = sorted(result.items, asked, challenge)
  if (items === undefined) return { kind: 'malformed' }
  if (result.items.some(({ kind }) => kind === 'absent')) return { kind: 'keyAbsent' }
  for (const opening of challenge.openings) {
    const item = items.get(openingName(opening))
    if (item === undefined || !(await proves(item, challenge, verifier))) return { kind: 'digestMismatch' }
  }
  return { kind: 'pass' }
}

/**
 * Items by what they answer; undefined when one was not asked for, comes twice, is of the wrong kind for its leaf, or
 * when a key is both there and absent.
 */
function sorted(
  items: readonly SliceItem[],
  asked: ReadonlySet<string>,
  { leaves }: RoundTwo,
): ReadonlyMap<string, SliceItem> | undefined {
  const byName = new Map<string, SliceItem>()
  const [absent, there] = [new Set<ChunkAddress>(), new Set<ChunkAddress>()]
  for (const item of items) {
    const leaf = leaves.get(item.key)
    if (leaf === undefined || !fits(item, leaf)) return undefined
    const blockIndex = item.kind === 'present' ? item.blockIndex : 0
    const name = item.kind === 'absent' ? item.key : openingName({ key: item.key, blockIndex })
    const wanted = item.kind === 'absent' ? wasAsked(item.key, asked) : asked.has(name)
    if (!wanted || byName.has(name)) return undefined
    byName.set(name, item)
    ;(item.kind === 'absent' ? absent : there).add(item.key)
  }
  for (const key of absent) if (there.has(key)) return undefined
  return byName
}

function fits(item: SliceItem, leaf: SubtreeLeaf): boolean {
  if (item.kind === 'absent') return true
  if (item.kind === 'present') return leafKind(leaf) === 'chunk'
  return leafKind(leaf) === 'pointer' && item.records.length >= 1 && item.records.length <= MAX_POINTER_RECORDS
}

async function proves(item: SliceItem, challenge: RoundTwo, verifier: Verifier): Promise<boolean> {
  const leaf = challenge.leaves.get(item.key) as SubtreeLeaf
  if (item.kind === 'present') return provesBlock(item, leaf, challenge)
  if (item.kind === 'absent') return false
  for (const record of item.records) {
    if (recordMatches(record, item.key, leaf.noncedRoot, challenge) && (await isPointerOf(record, item.key, verifier)))
      return true
  }
  return false
}

function provesBlock(
  { key, blockIndex, baoSlice, noncedSiblings }: Extract<SliceItem, { kind: 'present' }>,
  { contentLength, noncedRoot }: SubtreeLeaf,
  challenge: ChallengeBinding,
): boolean {
  const block = verifyBaoSlice(baoSlice, keyOf(key), contentLength, blockIndex)
  if (block === undefined) return false
  const tree = { root: noncedRoot, contentLength, key: blockKey(challenge, key) }
  return verifyNoncedBlock(tree, blockIndex, block, noncedSiblings)
}

async function isPointerOf(bytes: Uint8Array, key: ChunkAddress, verifier: Verifier): Promise<boolean> {
  let record: PointerRecord
  try {
    record = parsePointer(bytes)
  } catch {
    return false
  }
  return pointerAddress(record.owner) === key && (await verifyPointer(record, verifier))
}

function wasAsked(key: ChunkAddress, asked: ReadonlySet<string>): boolean {
  for (const name of asked) if (name.startsWith(key)) return true
  return false
}

function openingName({ key, blockIndex }: SliceOpening): string {
  return `${key}/${blockIndex}`
}
