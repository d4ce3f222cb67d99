/** Bytes of digest and subtree audits (wire.md 19.2, messages 9 to 14). */
import { keyOf, peerIdOf } from '../key.ts'
import type { Reader, Writer } from '../postcard.ts'
import { readStorageCommitment, writeStorageCommitment } from '../storage-commitment.ts'
import { readHash, readHashes, readKey, readKeys, writeHashes, writeKey, writeKeys } from './hash-codec.ts'
import type {
  AuditBody,
  AuditResult,
  SliceItem,
  SubtreeAuditResult,
  SubtreeChallenge,
  SubtreeLeaf,
  SubtreeProof,
  SubtreeRejectKind,
  SubtreeSliceResult,
} from './replication.ts'

/** In the order of their discriminants. */
const REJECTS = ['unknownCommitment', 'transient', 'protocol'] as const satisfies readonly SubtreeRejectKind[]
const MIN_LEAF_BYTES = 97
const MIN_OPENING_BYTES = 33
const MIN_ITEM_BYTES = 33

export function writeAuditBody(writer: Writer, body: AuditBody): unknown {
  switch (body.kind) {
    case 'auditChallenge':
      writer.uint(body.challengeId).raw(body.nonce).raw(keyOf(body.challengedPeer))
      return writeKeys(writer, body.keys)
    case 'auditResponse':
      return writeAuditResult(writer, body.result)
    case 'subtreeAuditChallenge':
      return writeChallenge(writer, body)
    case 'subtreeAuditResponse':
      return writeSubtreeResult(writer, body.result)
    case 'subtreeSliceChallenge':
      writeChallenge(writer, body)
      return writer.list(body.openings, (w, { key, blockIndex }) => writeKey(w, key).uint(blockIndex))
    case 'subtreeSliceResponse':
      return writeSliceResult(writer, body.result)
  }
}

export function readAuditBody(reader: Reader, kind: AuditBody['kind']): AuditBody {
  switch (kind) {
    case 'auditChallenge':
      return {
        kind,
        challengeId: reader.u64(),
        nonce: readHash(reader),
        challengedPeer: peerIdOf(readHash(reader)),
        keys: readKeys(reader),
      }
    case 'auditResponse':
      return { kind, result: readAuditResult(reader) }
    case 'subtreeAuditChallenge':
      return { kind, ...readChallenge(reader) }
    case 'subtreeAuditResponse':
      return { kind, result: readSubtreeResult(reader) }
    case 'subtreeSliceChallenge': {
      const challenge = readChallenge(reader)
      const openings = reader.list(MIN_OPENING_BYTES, (r) => ({ key: readKey(r), blockIndex: r.u32() }))
      return { kind, ...challenge, openings }
    }
    case 'subtreeSliceResponse':
      return { kind, result: readSliceResult(reader) }
  }
}

export function writeSubtreeProof(writer: Writer, { leaves, siblingCutHashes }: SubtreeProof): void {
  writer.list(leaves, (w, leaf) =>
    writeKey(w, leaf.key).raw(leaf.bytesHash).uint(leaf.contentLength).raw(leaf.noncedRoot),
  )
  writeHashes(writer, siblingCutHashes)
}

export function readSubtreeProof(reader: Reader): SubtreeProof {
  return { leaves: reader.list(MIN_LEAF_BYTES, readLeaf), siblingCutHashes: readHashes(reader) }
}

function readLeaf(reader: Reader): SubtreeLeaf {
  return {
    key: readKey(reader),
    bytesHash: readHash(reader),
    contentLength: reader.u32(),
    noncedRoot: readHash(reader),
  }
}

function writeChallenge(writer: Writer, challenge: SubtreeChallenge): void {
  writer.uint(challenge.challengeId).raw(challenge.nonce).raw(keyOf(challenge.challengedPeer))
  writer.raw(challenge.expectedCommitmentHash)
}

function readChallenge(reader: Reader): SubtreeChallenge {
  return {
    challengeId: reader.u64(),
    nonce: readHash(reader),
    challengedPeer: peerIdOf(readHash(reader)),
    expectedCommitmentHash: readHash(reader),
  }
}

function writeAuditResult(writer: Writer, result: AuditResult): void {
  if (result.kind === 'digests') writeHashes(writer.uint(0).uint(result.challengeId), result.digests)
  else if (result.kind === 'bootstrapping') writer.uint(1).uint(result.challengeId)
  else writer.uint(2).uint(result.challengeId).string(result.reason)
}

function readAuditResult(reader: Reader): AuditResult {
  const variant = reader.variant(3)
  const challengeId = reader.u64()
  if (variant === 0) return { kind: 'digests', challengeId, digests: readHashes(reader) }
  if (variant === 1) return { kind: 'bootstrapping', challengeId }
  return { kind: 'rejected', challengeId, reason: reader.string() }
}

type SubtreeRefusal = Extract<SubtreeAuditResult, { kind: 'bootstrapping' | 'rejected' }>

function writeRefusal(writer: Writer, refusal: SubtreeRefusal): void {
  if (refusal.kind === 'bootstrapping') writer.uint(1).uint(refusal.challengeId)
  else writer.uint(2).uint(refusal.challengeId).uint(REJECTS.indexOf(refusal.reject)).string(refusal.reason)
}

function readRefusal(reader: Reader, variant: number, challengeId: bigint): SubtreeRefusal {
  if (variant === 1) return { kind: 'bootstrapping', challengeId }
  const reject = REJECTS[reader.variant(REJECTS.length)] as SubtreeRejectKind
  return { kind: 'rejected', challengeId, reject, reason: reader.string() }
}

function writeSubtreeResult(writer: Writer, result: SubtreeAuditResult): unknown {
  if (result.kind !== 'proof') return writeRefusal(writer, result)
  writeStorageCommitment(writer.uint(0).uint(result.challengeId), result.commitment)
  return writeSubtreeProof(writer, result.proof)
}

function readSubtreeResult(reader: Reader): SubtreeAuditResult {
  const variant = reader.variant(3)
  const challengeId = reader.u64()
  if (variant !== 0) return readRefusal(reader, variant, challengeId)
  return { kind: 'proof', challengeId, commitment: readStorageCommitment(reader), proof: readSubtreeProof(reader) }
}

function writeSliceResult(writer: Writer, result: SubtreeSliceResult): unknown {
  if (result.kind !== 'items') return writeRefusal(writer, result)
  return writer.uint(0).uint(result.challengeId).list(result.items, writeItem)
}

function readSliceResult(reader: Reader): SubtreeSliceResult {
  const variant = reader.variant(3)
  const challengeId = reader.u64()
  if (variant !== 0) return readRefusal(reader, variant, challengeId)
  return { kind: 'items', challengeId, items: reader.list(MIN_ITEM_BYTES, readItem) }
}

function writeItem(writer: Writer, item: SliceItem): void {
  if (item.kind === 'present') {
    writeKey(writer.uint(0), item.key).uint(item.blockIndex).byteString(item.baoSlice)
    writeHashes(writer, item.noncedSiblings)
  } else if (item.kind === 'absent') writeKey(writer.uint(1), item.key)
  else writeKey(writer.uint(2), item.key).list(item.records, (w, record) => w.byteString(record))
}

/** Lengths and counts of pointer records are the handler's to check. */
function readItem(reader: Reader): SliceItem {
  const variant = reader.variant(3)
  const key = readKey(reader)
  if (variant === 1) return { kind: 'absent', key }
  if (variant === 2) return { kind: 'pointerRecord', key, records: reader.list(1, (r) => r.byteString()) }
  return {
    kind: 'present',
    key,
    blockIndex: reader.u32(),
    baoSlice: reader.byteString(),
    noncedSiblings: readHashes(reader),
  }
}
