/**
 * The trailer of a NodesFound reply (wire.md 14.4): signed address records after the postcard message, where old
 * decoders do not look. `ADDRSIG1`, then u32 big-endian length and record, as many as fit.
 */
import { compare, utf8 } from '../base/index.ts'
import { decodeAddressRecord } from './address-record.ts'
import { MAX_ADDRESS_PROOFS, MAX_ADDRESS_RECORD_BYTES, MAX_DHT_MESSAGE_BYTES } from './constants.ts'
import { ProtocolError } from './errors.ts'
import type { SignedAddressRecord } from './messages/dht.ts'
import type { Writer } from './postcard.ts'

const MARKER = utf8('ADDRSIG1')
const LENGTH_BYTES = 4

/** Appends the records that fit, in their order; nothing at all when none does. */
export function writeAddressProofs(writer: Writer, proofs: readonly SignedAddressRecord[]): void {
  for (const part of addressProofParts(writer.length, proofs)) writer.raw(part)
}

/** The same trailer of a message of `length` bytes, in parts: the records where they are, not copied. */
export function addressProofParts(length: number, proofs: readonly SignedAddressRecord[]): Uint8Array[] {
  const parts: Uint8Array[] = []
  let room = MAX_DHT_MESSAGE_BYTES - length - MARKER.length
  let count = 0
  for (const { encoded } of proofs) {
    const cost = LENGTH_BYTES + encoded.length
    if (count === MAX_ADDRESS_PROOFS) break
    if (cost > room || encoded.length > MAX_ADDRESS_RECORD_BYTES) continue
    if (count === 0) parts.push(MARKER)
    parts.push(uint32(encoded.length), encoded)
    room -= cost
    count++
  }
  return parts
}

function uint32(value: number): Uint8Array {
  return Uint8Array.of(value >>> 24, (value >>> 16) & 255, (value >>> 8) & 255, value & 255)
}

/** The records of a trailer, unverified. Anything wrong anywhere makes the whole trailer void: an empty list. */
export function readAddressProofs(trailer: Uint8Array): readonly SignedAddressRecord[] {
  if (trailer.length < MARKER.length || compare(trailer.subarray(0, MARKER.length), MARKER) !== 0) return []
  return readAddressBundle(trailer.subarray(MARKER.length)) ?? []
}

/** Length-prefixed records up to the end; undefined when any length, count or record is wrong. */
export function readAddressBundle(bundle: Uint8Array, limit = MAX_ADDRESS_PROOFS): SignedAddressRecord[] | undefined {
  const view = new DataView(bundle.buffer, bundle.byteOffset, bundle.byteLength)
  const records: SignedAddressRecord[] = []
  for (let at = 0; at < bundle.length; ) {
    if (records.length === limit || bundle.length - at < LENGTH_BYTES) return undefined
    const length = view.getUint32(at)
    at += LENGTH_BYTES
    if (length > bundle.length - at) return undefined
    const record = decodeOrUndefined(bundle.subarray(at, at + length))
    if (!record) return undefined
    records.push(record)
    at += length
  }
  return records
}

function decodeOrUndefined(bytes: Uint8Array): SignedAddressRecord | undefined {
  try {
    return decodeAddressRecord(bytes)
  } catch (error) {
    if (error instanceof ProtocolError) return undefined
    throw error
  }
}
