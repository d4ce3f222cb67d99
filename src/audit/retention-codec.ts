/**
 * Bytes of the two retention files (replication.md 14.2): postcard, as the network's own node writes them. Decoders
 * throw AUDIT_RETENTION_DECODE and nothing else, and allocate in proportion to the file.
 */
import { type Bytes, second } from '../base/index.ts'
import {
  type ChunkAddress,
  chunkAddressOf,
  KEY_BYTES,
  keyOf,
  MAX_COMMITMENT_KEYS,
  Reader,
  readStorageCommitment,
  type StorageCommitment,
  Writer,
  writeStorageCommitment,
} from '../protocol/index.ts'
import { type Pin, pinOf } from './commitment.ts'
import { type CommitmentEntries, entryKey, isPointer } from './entries.ts'
import { AuditError } from './errors.ts'
import type { RetainedSlot } from './retention.ts'

const VERSION = 1
/** The shown ones and a current one that nobody saw. */
const MAX_SLOTS = 17
/** A commitment with empty byte fields, no keys, no stamp. */
const MIN_SLOT_BYTES = 68 + 1 + 1
const MIN_POINTER_SLOT_BYTES = KEY_BYTES + 1
const COMMITMENT_BYTES = 6 * 1024

export interface RetentionFiles {
  /** commitment_retention.bin */
  readonly main: Bytes
  /** commitment_retention_pointers.bin, to be written first: without it the roots of the other are not found again. */
  readonly pointers: Bytes
}

export interface StoredSlot {
  readonly commitment: StorageCommitment
  /** 32 bytes each, in the order of the leaves: a view into the file. */
  readonly keys: Uint8Array
  /** Unix milliseconds. */
  readonly expiresAt: number | undefined
}

export interface StoredRetention {
  readonly slots: readonly StoredSlot[]
  /** The first slot is the current commitment (unverified: with several slots no vector tells). */
  readonly hasCurrent: boolean
}

export function encodeRetention(slots: readonly RetainedSlot[], hasCurrent: boolean): RetentionFiles {
  let keys = 0
  for (const { signed } of slots) keys += signed.tree.keyCount
  const main = new Writer(16 + slots.length * COMMITMENT_BYTES + keys * KEY_BYTES)
  main.uint(VERSION).list(slots, (writer, { signed, expiresAt }) => {
    writeStorageCommitment(writer, signed.commitment)
    writer.uint(signed.tree.keyCount).raw(signed.tree.entries.keys)
    writer.option(expiresAt, (w, stamp) => w.uint(Math.ceil(stamp / second)))
  })
  main.bool(hasCurrent)
  const pointers = new Writer()
  pointers.uint(VERSION).list(slots, (writer, { signed }) => {
    writer.raw(keyOf(signed.pin as string as ChunkAddress))
    writer.list(pointerKeys(signed.tree.entries), (w, key) => w.raw(key))
  })
  return { main: main.finish(), pointers: pointers.finish() }
}

export function decodeRetention(main: Uint8Array): StoredRetention {
  return decoded('commitment_retention.bin', main, (reader) => ({
    slots: slotsOf(reader, MIN_SLOT_BYTES, readSlot),
    hasCurrent: reader.bool(),
  }))
}

/** Pointer addresses by pin. */
export function decodeRetentionPointers(pointers: Uint8Array): ReadonlyMap<Pin, readonly ChunkAddress[]> {
  return decoded('commitment_retention_pointers.bin', pointers, (reader) => {
    const slots = slotsOf(reader, MIN_POINTER_SLOT_BYTES, (r) => {
      const pin = pinOf(r.raw(KEY_BYTES))
      return [pin, r.list(KEY_BYTES, (of) => chunkAddressOf(of.raw(KEY_BYTES)))] as const
    })
    return new Map(slots)
  })
}

function readSlot(reader: Reader): StoredSlot {
  const commitment = copied(readStorageCommitment(reader))
  const count = reader.length(KEY_BYTES)
  if (count !== commitment.keyCount || count < 1 || count > MAX_COMMITMENT_KEYS) {
    throw new AuditError('AUDIT_RETENTION_DECODE', `a commitment of ${commitment.keyCount} keys is kept with ${count}`)
  }
  const keys = reader.raw(count * KEY_BYTES)
  const stamp = reader.option((r) => r.uint())
  return { commitment, keys, expiresAt: stamp === undefined ? undefined : stamp * second }
}

/** The file's bytes are let go once the trees are built. */
function copied(commitment: StorageCommitment): StorageCommitment {
  const { root, publicKey, signature } = commitment
  return { ...commitment, root: root.slice(), publicKey: publicKey.slice(), signature: signature.slice() }
}

function slotsOf<T>(reader: Reader, minBytes: number, read: (reader: Reader) => T): T[] {
  const count = reader.length(minBytes)
  if (count > MAX_SLOTS) throw new AuditError('AUDIT_RETENTION_DECODE', `${count} slots, ${MAX_SLOTS} are ever written`)
  return Array.from({ length: count }, () => read(reader))
}

function decoded<T>(file: string, bytes: Uint8Array, read: (reader: Reader) => T): T {
  try {
    const reader = new Reader(bytes)
    const version = reader.u32()
    if (version !== VERSION) throw new AuditError('AUDIT_RETENTION_DECODE', `format ${version}, ${VERSION} is known`)
    const value = read(reader)
    if (reader.remaining === 0) return value
    throw new AuditError('AUDIT_RETENTION_DECODE', `${reader.remaining} bytes too many`)
  } catch (cause) {
    throw new AuditError('AUDIT_RETENTION_DECODE', `${file} of ${bytes.length} bytes cannot be read`, { cause })
  }
}

function pointerKeys(entries: CommitmentEntries): Uint8Array[] {
  const keys: Uint8Array[] = []
  for (let i = 0; i < entries.count; i++) if (isPointer(entries, i)) keys.push(entryKey(entries, i))
  return keys
}
