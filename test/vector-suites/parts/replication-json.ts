/** ReplicationMessage as the vectors write it in JSON, turned into our shape. */
import type {
  AuditResult,
  CommitmentByPinResult,
  FetchResult,
  FreshResult,
  NeighborHints,
  PointerStateSummary,
  ReplicationBody,
  ReplicationMessage,
  SliceItem,
  StorageCommitment,
  SubtreeAuditResult,
  SubtreeChallenge,
  SubtreeLeaf,
  SubtreeProof,
  SubtreeRejectKind,
  SubtreeSliceResult,
} from '../../../src/protocol/index.ts'
import { vectorBytes as bytesOf } from '../../support/vector-input.ts'
import { type Json, optional, variant } from './blob.ts'

export function replicationMessageOf(json: Json): ReplicationMessage {
  return { requestId: BigInt(json.request_id), body: bodyOf(json.body) }
}

function bodyOf(json: unknown): ReplicationBody {
  const [name, f] = variant(json)
  switch (name) {
    case 'FreshReplicationOffer':
      return { kind: 'freshOffer', key: f.key, data: bytesOf(f.data), paymentProof: bytesOf(f.proof_of_payment) }
    case 'FreshReplicationResponse':
      return { kind: 'freshResponse', result: freshResult(f) }
    case 'PaidNotify':
      return { kind: 'paidNotify', key: f.key, paymentProof: bytesOf(f.proof_of_payment) }
    case 'NeighborSyncRequest':
      return { kind: 'neighborSyncRequest', ...hints(f) }
    case 'NeighborSyncResponse':
      return { kind: 'neighborSyncResponse', ...hints(f), rejectedKeys: f.rejected_keys }
    case 'VerificationRequest':
      return { kind: 'verificationRequest', keys: f.keys, paidListCheckIndices: f.paid_list_check_indices }
    case 'VerificationResponse':
      return {
        kind: 'verificationResponse',
        results: f.results.map((r: Json) => ({
          key: r.key,
          present: r.present,
          ...optional('paid', r.paid, (paid: boolean) => paid),
        })),
      }
    case 'FetchRequest':
      return { kind: 'fetchRequest', key: f.key }
    case 'FetchResponse':
      return { kind: 'fetchResponse', result: fetchResult(f) }
    case 'GetCommitmentByPin':
      return { kind: 'getCommitmentByPin', pin: bytesOf(f.pin) }
    case 'GetCommitmentByPinResponse':
      return { kind: 'getCommitmentByPinResponse', result: byPinResult(f) }
    default:
      return name.startsWith('Pointer') ? pointerBody(name, f) : auditBody(name, f)
  }
}

function pointerBody(name: string, f: Json): ReplicationBody {
  switch (name) {
    case 'PointerFreshOffer':
      return { kind: 'pointerFreshOffer', record: bytesOf(f.record), paymentProof: bytesOf(f.proof_of_payment) }
    case 'PointerHints':
      return { kind: 'pointerHints', hints: f.hints.map(summary) }
    case 'PointerFetchRequest':
      return { kind: 'pointerFetchRequest', address: f.address }
    case 'PointerFetchResponse':
      return { kind: 'pointerFetchResponse', address: f.address, ...optional('record', f.record, bytesOf) }
    case 'PointerStateRequest':
      return { kind: 'pointerStateRequest', addresses: f.addresses }
    case 'PointerStateResponse':
      return {
        kind: 'pointerStateResponse',
        states: f.states.map((state: Json) => (state === null ? undefined : summary(state))),
      }
  }
  throw new Error(`unknown replication body ${name}`)
}

function auditBody(name: string, f: Json): ReplicationBody {
  switch (name) {
    case 'AuditChallenge':
      return {
        kind: 'auditChallenge',
        challengeId: BigInt(f.challenge_id),
        nonce: bytesOf(f.nonce),
        challengedPeer: f.challenged_peer_id,
        keys: f.keys,
      }
    case 'AuditResponse':
      return { kind: 'auditResponse', result: auditResult(f) }
    case 'SubtreeAuditChallenge':
      return { kind: 'subtreeAuditChallenge', ...challenge(f) }
    case 'SubtreeAuditResponse':
      return { kind: 'subtreeAuditResponse', result: subtreeResult(f) }
    case 'SubtreeSliceChallenge':
      return {
        kind: 'subtreeSliceChallenge',
        ...challenge(f),
        openings: f.openings.map((o: Json) => ({ key: o.key, blockIndex: o.block_index })),
      }
    case 'SubtreeSliceResponse':
      return { kind: 'subtreeSliceResponse', result: sliceResult(f) }
  }
  throw new Error(`unknown replication body ${name}`)
}

function hints(f: Json): NeighborHints {
  return {
    replicaHints: f.replica_hints,
    paidHints: f.paid_hints,
    bootstrapping: f.bootstrapping,
    ...optional('commitment', f.commitment, commitment),
  }
}

function commitment(f: Json): StorageCommitment {
  return {
    root: bytesOf(f.root),
    keyCount: f.key_count,
    peer: f.sender_peer_id,
    publicKey: bytesOf(f.sender_public_key),
    signature: bytesOf(f.signature),
  }
}

function summary(f: Json): PointerStateSummary {
  return {
    address: f.address,
    stateId: bytesOf(f.state_id),
    counter: BigInt(f.counter),
    target: { kind: f.target_tag, address: f.target_address },
  }
}

function challenge(f: Json): SubtreeChallenge {
  return {
    challengeId: BigInt(f.challenge_id),
    nonce: bytesOf(f.nonce),
    challengedPeer: f.challenged_peer_id,
    expectedCommitmentHash: bytesOf(f.expected_commitment_hash),
  }
}

function freshResult(json: unknown): FreshResult {
  const [name, f] = variant(json)
  return name === 'Accepted' ? { kind: 'accepted', key: f.key } : { kind: 'rejected', key: f.key, reason: f.reason }
}

function fetchResult(json: unknown): FetchResult {
  const [name, f] = variant(json)
  if (name === 'Success') return { kind: 'success', key: f.key, data: bytesOf(f.data) }
  return name === 'NotFound' ? { kind: 'notFound', key: f.key } : { kind: 'error', key: f.key, reason: f.reason }
}

function byPinResult(json: unknown): CommitmentByPinResult {
  const [name, f] = variant(json)
  return name === 'Found'
    ? { kind: 'found', commitment: commitment(f.commitment) }
    : { kind: 'notRetained', pin: bytesOf(f.pin) }
}

function auditResult(json: unknown): AuditResult {
  const [name, f] = variant(json)
  const challengeId = BigInt(f.challenge_id)
  if (name === 'Digests') return { kind: 'digests', challengeId, digests: f.digests.map(bytesOf) }
  return name === 'Bootstrapping'
    ? { kind: 'bootstrapping', challengeId }
    : { kind: 'rejected', challengeId, reason: f.reason }
}

const REJECTS: Readonly<Record<string, SubtreeRejectKind>> = {
  UnknownCommitment: 'unknownCommitment',
  Transient: 'transient',
  Protocol: 'protocol',
}

function refusal(name: string, f: Json): Extract<SubtreeAuditResult, { kind: 'bootstrapping' | 'rejected' }> {
  const challengeId = BigInt(f.challenge_id)
  if (name === 'Bootstrapping') return { kind: 'bootstrapping', challengeId }
  return { kind: 'rejected', challengeId, reject: REJECTS[f.kind] as SubtreeRejectKind, reason: f.reason }
}

function subtreeResult(json: unknown): SubtreeAuditResult {
  const [name, f] = variant(json)
  if (name !== 'Proof') return refusal(name, f)
  return {
    kind: 'proof',
    challengeId: BigInt(f.challenge_id),
    commitment: commitment(f.commitment),
    proof: subtreeProofOf(f.proof),
  }
}

export function subtreeProofOf(f: Json): SubtreeProof {
  const leaf = (l: Json): SubtreeLeaf => ({
    key: l.key,
    bytesHash: bytesOf(l.bytes_hash),
    contentLength: l.content_len,
    noncedRoot: bytesOf(l.nonced_root),
  })
  const leaves = Array.isArray(f.leaves)
    ? f.leaves.map(leaf)
    : new Array<SubtreeLeaf>(f.leaves.times).fill(leaf(f.leaves.repeat))
  return { leaves, siblingCutHashes: f.sibling_cut_hashes.map(bytesOf) }
}

function sliceResult(json: unknown): SubtreeSliceResult {
  const [name, f] = variant(json)
  if (name !== 'Items') return refusal(name, f)
  return { kind: 'items', challengeId: BigInt(f.challenge_id), items: f.items.map(item) }
}

function item(json: unknown): SliceItem {
  const [name, f] = variant(json)
  if (name === 'Absent') return { kind: 'absent', key: f.key }
  if (name === 'PointerRecord') return { kind: 'pointerRecord', key: f.key, records: f.records.map(bytesOf) }
  return {
    kind: 'present',
    key: f.key,
    blockIndex: f.block_index,
    baoSlice: bytesOf(f.bao_slice),
    noncedSiblings: f.nonced_siblings.map(bytesOf),
  }
}
