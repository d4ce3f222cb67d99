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
  let room = MAX_DHT_MESSAGE_BYTES - writer.length - MARKER.length
  let count = 0
  for (const { encoded } of proofs) {
    const cost = LENGTH_BYTES + encoded.length
    if (count === MAX_ADDRESS_PROOFS) return
    if (cost > room || encoded.length > MAX_ADDRESS_RECORD_BYTES) continue
    if (count === 0) writer.raw(MARKER)
    const length = new Uint8Array(LENGTH_BYTES)
    new DataView(length.buffer).setUint32(0, encoded.length)
    writer.raw(length).raw(encoded)
    room -= cost
    count++
  }
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
