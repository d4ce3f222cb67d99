/** Replication messages (wire.md 19.2): shapes of `ReplicationMessage{requestId, body}`. Hashes are 32 bytes. */
import type { ChunkAddress, PeerId } from '../key.ts'
import type { PointerStateSummary } from '../pointer.ts'
import type { StorageCommitment } from '../storage-commitment.ts'

export interface ReplicationMessage {
  readonly requestId: bigint
  readonly body: ReplicationBody
}

export type ReplicationBody =
  | {
      readonly kind: 'freshOffer'
      readonly key: ChunkAddress
      readonly data: Uint8Array
      readonly paymentProof: Uint8Array
    }
  | { readonly kind: 'freshResponse'; readonly result: FreshResult }
  | { readonly kind: 'paidNotify'; readonly key: ChunkAddress; readonly paymentProof: Uint8Array }
  | ({ readonly kind: 'neighborSyncRequest' } & NeighborHints)
  | ({ readonly kind: 'neighborSyncResponse'; readonly rejectedKeys: readonly ChunkAddress[] } & NeighborHints)
  | {
      readonly kind: 'verificationRequest'
      /** At most 8 192; one more is kept when there are more. */
      readonly keys: readonly ChunkAddress[]
      /** Indexes into `keys`; at most 8 193 are kept. */
      readonly paidListCheckIndices: readonly number[]
    }
  | { readonly kind: 'verificationResponse'; readonly results: readonly VerificationResult[] }
  | { readonly kind: 'fetchRequest'; readonly key: ChunkAddress }
  | { readonly kind: 'fetchResponse'; readonly result: FetchResult }
  | AuditBody
  | { readonly kind: 'getCommitmentByPin'; readonly pin: Uint8Array }
  | { readonly kind: 'getCommitmentByPinResponse'; readonly result: CommitmentByPinResult }
  | { readonly kind: 'pointerFreshOffer'; readonly record: Uint8Array; readonly paymentProof: Uint8Array }
  /** An empty list says: I speak pointers. */
  | { readonly kind: 'pointerHints'; readonly hints: readonly PointerStateSummary[] }
  | { readonly kind: 'pointerFetchRequest'; readonly address: ChunkAddress }
  | { readonly kind: 'pointerFetchResponse'; readonly address: ChunkAddress; readonly record?: Uint8Array }
  | { readonly kind: 'pointerStateRequest'; readonly addresses: readonly ChunkAddress[] }
  /** In the order of the request; undefined where nothing is held. */
  | { readonly kind: 'pointerStateResponse'; readonly states: readonly (PointerStateSummary | undefined)[] }

/** Digest audits travel with the rest, subtree audits on their own topic. */
export type AuditBody =
  | {
      readonly kind: 'auditChallenge'
      readonly challengeId: bigint
      readonly nonce: Uint8Array
      readonly challengedPeer: PeerId
      readonly keys: readonly ChunkAddress[]
    }
  | { readonly kind: 'auditResponse'; readonly result: AuditResult }
  | ({ readonly kind: 'subtreeAuditChallenge' } & SubtreeChallenge)
  | { readonly kind: 'subtreeAuditResponse'; readonly result: SubtreeAuditResult }
  | ({ readonly kind: 'subtreeSliceChallenge'; readonly openings: readonly SliceOpening[] } & SubtreeChallenge)
  | { readonly kind: 'subtreeSliceResponse'; readonly result: SubtreeSliceResult }

export interface NeighborHints {
  readonly replicaHints: readonly ChunkAddress[]
  readonly paidHints: readonly ChunkAddress[]
  readonly bootstrapping: boolean
  readonly commitment?: StorageCommitment
}

export type FreshResult =
  | { readonly kind: 'accepted'; readonly key: ChunkAddress }
  | { readonly kind: 'rejected'; readonly key: ChunkAddress; readonly reason: string }

export interface VerificationResult {
  readonly key: ChunkAddress
  readonly present: boolean
  /** Only for keys whose paid list was asked for. */
  readonly paid?: boolean
}

export type FetchResult =
  | { readonly kind: 'success'; readonly key: ChunkAddress; readonly data: Uint8Array }
  | { readonly kind: 'notFound'; readonly key: ChunkAddress }
  | { readonly kind: 'error'; readonly key: ChunkAddress; readonly reason: string }

export type AuditResult =
  | { readonly kind: 'digests'; readonly challengeId: bigint; readonly digests: readonly Uint8Array[] }
  | { readonly kind: 'bootstrapping'; readonly challengeId: bigint }
  | { readonly kind: 'rejected'; readonly challengeId: bigint; readonly reason: string }

export interface SubtreeChallenge {
  readonly challengeId: bigint
  readonly nonce: Uint8Array
  readonly challengedPeer: PeerId
  /** The pin of the commitment that is asked about. */
  readonly expectedCommitmentHash: Uint8Array
}

export interface SliceOpening {
  readonly key: ChunkAddress
  readonly blockIndex: number
}

/** A failure of ours that counts, one that does not, a refusal by rule. */
export type SubtreeRejectKind = 'unknownCommitment' | 'transient' | 'protocol'

type SubtreeRefusal =
  | { readonly kind: 'bootstrapping'; readonly challengeId: bigint }
  | {
      readonly kind: 'rejected'
      readonly challengeId: bigint
      readonly reject: SubtreeRejectKind
      readonly reason: string
    }

export type SubtreeAuditResult =
  | {
      readonly kind: 'proof'
      readonly challengeId: bigint
      readonly commitment: StorageCommitment
      readonly proof: SubtreeProof
    }
  | SubtreeRefusal

export type SubtreeSliceResult =
  | { readonly kind: 'items'; readonly challengeId: bigint; readonly items: readonly SliceItem[] }
  | SubtreeRefusal

export interface SubtreeLeaf {
  readonly key: ChunkAddress
  readonly bytesHash: Uint8Array
  readonly contentLength: number
  readonly noncedRoot: Uint8Array
}

/** wire.md 18.5. `siblingCutHashes` run from the root downwards. */
export interface SubtreeProof {
  readonly leaves: readonly SubtreeLeaf[]
  readonly siblingCutHashes: readonly Uint8Array[]
}

export type SliceItem =
  | {
      readonly kind: 'present'
      readonly key: ChunkAddress
      readonly blockIndex: number
      readonly baoSlice: Uint8Array
      readonly noncedSiblings: readonly Uint8Array[]
    }
  | { readonly kind: 'absent'; readonly key: ChunkAddress }
  | { readonly kind: 'pointerRecord'; readonly key: ChunkAddress; readonly records: readonly Uint8Array[] }

export type CommitmentByPinResult =
  | { readonly kind: 'found'; readonly commitment: StorageCommitment }
  | { readonly kind: 'notRetained'; readonly pin: Uint8Array }
