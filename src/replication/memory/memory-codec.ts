/**
 * What the engine remembers over a restart besides the stores (replication.md 30.3 nr 7): who claimed to be bootstrapping
 * and since when, and keys that it owes and has not fetched. One small file, replaced as a whole. Pure.
 */
import { concat, equal, fromUtf8, utf8 } from '../../base/index.ts'
import { type ChunkAddress, chunkAddressOf, KEY_BYTES, type PeerId, peerIdOf } from '../../protocol/index.ts'
import type { ClaimHistory } from '../audits/claim-tracker.ts'
import { ReplicationError } from '../errors.ts'
import { writeKey } from '../view/key-bytes.ts'

export interface Remembered {
  readonly claims: readonly ClaimHistory[]
  readonly owed: readonly OwedKey[]
}

/** A key that waits for verification as a replica, or for its bytes. */
export interface OwedKey {
  readonly key: ChunkAddress
  /** Since its first hint; it ends with its 30 minutes, restart or not. */
  readonly ageMs: number
}

const MAGIC = utf8('MXRM')
const VERSION = 1
const HEADER_BYTES = MAGIC.length + 3 * 4
const CLAIM_BYTES = KEY_BYTES + 8 + 1
const OWED_BYTES = KEY_BYTES + 4
const DIGEST_BYTES = 32

export function memoryFileBytes({ claims, owed }: { claims: number; owed: number }): number {
  return HEADER_BYTES + claims * CLAIM_BYTES + owed * OWED_BYTES + DIGEST_BYTES
}

type Digest = (bytes: Uint8Array) => Uint8Array

/**
 * `MXRM`, version u32, counts u32 of both kinds; claims of peer, begin u64 Unix ms, active u8; owed keys of key and age u32
 * ms; then BLAKE3 of all that. Little-endian.
 */
export function encodeMemory({ claims, owed }: Remembered, digest: Digest): Uint8Array {
  const bytes = new Uint8Array(memoryFileBytes({ claims: claims.length, owed: owed.length }) - DIGEST_BYTES)
  const view = new DataView(bytes.buffer)
  bytes.set(MAGIC)
  for (const [i, value] of [VERSION, claims.length, owed.length].entries()) view.setUint32(4 + 4 * i, value, true)
  let offset = HEADER_BYTES
  for (const { peer, since, active } of claims) {
    writeKey(peer, bytes, offset)
    view.setBigUint64(offset + KEY_BYTES, BigInt(Math.max(0, Math.floor(since))), true)
    bytes[offset + KEY_BYTES + 8] = active ? 1 : 0
    offset += CLAIM_BYTES
  }
  for (const { key, ageMs } of owed) {
    writeKey(key, bytes, offset)
    view.setUint32(offset + KEY_BYTES, Math.min(0xffff_ffff, Math.max(0, Math.floor(ageMs))), true)
    offset += OWED_BYTES
  }
  return concat([bytes, digest(bytes)])
}

/** Throws REPLICATION_MEMORY and nothing else. */
export function decodeMemory(bytes: Uint8Array, digest: Digest): Remembered {
  const body = bytes.subarray(0, Math.max(0, bytes.length - DIGEST_BYTES))
  if (body.length < HEADER_BYTES || fromUtf8(body.subarray(0, 4)) !== fromUtf8(MAGIC)) throw bad('it is no such file')
  const view = new DataView(body.buffer, body.byteOffset, body.length)
  const number = (place: number) => view.getUint32(4 + 4 * place, true)
  if (number(0) !== VERSION) throw bad(`its version is ${number(0)}, not ${VERSION}`)
  if (!equal(digest(body), bytes.subarray(body.length))) throw bad('its checksum does not fit')
  const [claims, owed] = [number(1), number(2)]
  if (memoryFileBytes({ claims, owed }) !== bytes.length) throw bad('its length does not fit its counts')
  const keyAt = (at: number) => body.subarray(at, at + KEY_BYTES)
  const owedFrom = HEADER_BYTES + claims * CLAIM_BYTES
  return {
    claims: Array.from({ length: claims }, (_, i) => {
      const at = HEADER_BYTES + i * CLAIM_BYTES
      const since = Number(view.getBigUint64(at + KEY_BYTES, true))
      return { peer: peerIdOf(keyAt(at)) as PeerId, since, active: body[at + KEY_BYTES + 8] === 1 }
    }),
    owed: Array.from({ length: owed }, (_, i) => {
      const at = owedFrom + i * OWED_BYTES
      return { key: chunkAddressOf(keyAt(at)), ageMs: view.getUint32(at + KEY_BYTES, true) }
    }),
  }
}

function bad(why: string): ReplicationError {
  return new ReplicationError('REPLICATION_MEMORY', `what replication remembered is not used: ${why}`)
}
