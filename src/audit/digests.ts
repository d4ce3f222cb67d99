/** The digest audit (replication.md 15), also the body of possession and prune checks. Pure. */
import { type Bytes, equal } from '../base/index.ts'
import { backend } from '../crypto/index.ts'
import {
  type AuditBody,
  type AuditResult,
  type ChunkAddress,
  KEY_BYTES,
  keyOf,
  type PeerId,
} from '../protocol/index.ts'
import type { ChallengeBinding } from './nonced-blocks.ts'
import { digestKeysInTime } from './options.ts'

type DigestChallenge = Extract<AuditBody, { kind: 'auditChallenge' }>

/** Digest of a chunk that is absent or cannot be read. */
export function absentDigest(): Bytes {
  return new Uint8Array(KEY_BYTES)
}

/** BLAKE3 over nonce, challenged peer, key and bytes: worthless for any other challenge. */
export function auditDigest(
  { nonce, challengedPeer }: ChallengeBinding,
  key: ChunkAddress,
  content: Uint8Array,
): Bytes {
  return backend()
    .createHasher()
    .update(nonce)
    .update(keyOf(challengedPeer))
    .update(keyOf(key))
    .update(content)
    .digest()
}

/** How many of `ownKeys` keys an auditor samples. */
export function digestSampleSize(ownKeys: number): number {
  return Math.max(1, Math.floor(Math.sqrt(ownKeys)))
}

/** How many keys a responder with `ownKeys` keys answers for: auditors may know of more than it has. */
export function digestKeyLimit(ownKeys: number): number {
  return Math.max(1, 2 * digestSampleSize(ownKeys))
}

/**
 * How many keys an auditor with `ownKeys` keys may name in one challenge of a peer that holds `peerKeys` or more: what
 * that one answers for, in the time that a request has.
 */
export function digestKeysToAsk(ownKeys: number, peerKeys: number): number {
  return Math.min(digestSampleSize(ownKeys), digestKeyLimit(peerKeys), digestKeysInTime())
}

export type DigestRefusal = { readonly kind: 'bootstrapping' } | { readonly kind: 'rejected'; readonly reason: string }

/** undefined when the challenge is to be answered with digests; an empty key list is. */
export function refuseDigests(
  { challengedPeer, keys }: Pick<DigestChallenge, 'challengedPeer' | 'keys'>,
  own: { readonly peer: PeerId; readonly keys: number; readonly bootstrapping: boolean },
): DigestRefusal | undefined {
  if (own.bootstrapping) return { kind: 'bootstrapping' }
  if (challengedPeer !== own.peer) return { kind: 'rejected', reason: 'the challenge is for another peer' }
  const limit = digestKeyLimit(own.keys)
  if (keys.length <= limit) return undefined
  return { kind: 'rejected', reason: `${keys.length} keys asked for, ${limit} are answered` }
}

export interface DigestFailure {
  readonly key: ChunkAddress
  readonly reason: 'keyAbsent' | 'digestMismatch'
}

export type DigestVerdict =
  /** `proved`: keys whose digest is that of our own copy. */
  | { readonly kind: 'pass'; readonly proved: readonly ChunkAddress[] }
  /** Nothing could be compared: own copies are gone. */
  | { readonly kind: 'idle' }
  /** To be confirmed against a fresh close group. */
  | { readonly kind: 'failed'; readonly failures: readonly DigestFailure[]; readonly proved: readonly ChunkAddress[] }
  /** Wrong challenge id, wrong number of digests, refused: a failure for all keys. */
  | { readonly kind: 'malformed' | 'rejected' }
  | { readonly kind: 'bootstrapping' }

/** `own`: digests of our own copies in the order of the keys, undefined where the copy vanished meanwhile. */
export function judgeDigests(
  result: AuditResult,
  { challengeId, keys }: Pick<DigestChallenge, 'challengeId' | 'keys'>,
  own: readonly (Uint8Array | undefined)[],
): DigestVerdict {
  if (result.challengeId !== challengeId) return { kind: 'malformed' }
  if (result.kind !== 'digests') return { kind: result.kind }
  if (result.digests.length !== keys.length) return { kind: 'malformed' }
  const failures: DigestFailure[] = []
  const proved: ChunkAddress[] = []
  for (const [i, key] of keys.entries()) {
    const [expected, digest] = [own[i], result.digests[i] as Uint8Array]
    if (expected === undefined) continue
    if (digest.every((byte) => byte === 0)) failures.push({ key, reason: 'keyAbsent' })
    else if (!equal(digest, expected)) failures.push({ key, reason: 'digestMismatch' })
    else proved.push(key)
  }
  if (failures.length > 0) return { kind: 'failed', failures, proved }
  return proved.length === 0 ? { kind: 'idle' } : { kind: 'pass', proved }
}

export type ConfirmedDigests =
  | { readonly kind: 'idle' }
  | {
      readonly kind: 'failed'
      readonly reason: DigestFailure['reason']
      readonly keys: readonly ChunkAddress[]
    }

/** Keys that the peer no longer answers for by a fresh close group do not count. */
export function confirmDigests(
  failures: readonly DigestFailure[],
  isResponsible: (key: ChunkAddress) => boolean,
): ConfirmedDigests {
  const left = failures.filter(({ key }) => isResponsible(key))
  if (left.length === 0) return { kind: 'idle' }
  const reason = left.every((failure) => failure.reason === 'keyAbsent') ? 'keyAbsent' : 'digestMismatch'
  return { kind: 'failed', reason, keys: left.map(({ key }) => key) }
}
