/** Signed address records (wire.md 14.2): a peer's own statement about where it can be reached. */
import { type Bytes, equal, LruMap } from '../base/index.ts'
import { ML_DSA_PUBLIC_KEY_BYTES, ML_DSA_SIGNATURE_BYTES, type Signer, type Verifier } from '../crypto/index.ts'
import { effectiveType, isAddressType } from './address-type.ts'
import { MAX_ADDRESS_PAYLOAD_BYTES, MAX_ADDRESS_RECORD_BYTES, MAX_ADDRESS_RECORDS } from './constants.ts'
import { ProtocolError } from './errors.ts'
import type { PeerId } from './key.ts'
import type { SignedAddressRecord, TransportAddressRecord } from './messages/dht.ts'
import { isStorable } from './multiaddr.ts'
import { readMultiaddr } from './multiaddr-codec.ts'
import type { Multiaddr, TypedAddress } from './peer-address.ts'
import { peerIdOfPublicKey } from './peer-id.ts'
import { readPeerId } from './peer-id-codec.ts'
import { Reader, Writer } from './postcard.ts'

export type AddressRecordVerdict =
  | { readonly kind: 'ok' }
  | { readonly kind: 'badBounds' | 'badAddress' | 'badOwner' | 'badKey' | 'badSignature'; readonly reason: string }

const DOMAIN = 'saorsa/address-record/2'
/** Transports that are understood; others are opaque, kept and forwarded. */
const TRANSPORTS: Readonly<Record<number, Multiaddr['transport']>> = { 1: 'quic', 2: 'webrtc-direct' }
const MIN_RECORD_BYTES = 3

interface Content {
  readonly owner: PeerId
  readonly sequence: bigint
  readonly records: readonly TransportAddressRecord[]
}

/** The record of one typed QUIC or WebRTC address. Throws PROTOCOL_ENCODE for other transports. */
export function transportRecord({ address, type }: TypedAddress): TransportAddressRecord {
  const transport = address.transport === 'quic' ? 1 : address.transport === 'webrtc-direct' ? 2 : undefined
  if (transport === undefined) {
    throw new ProtocolError('PROTOCOL_ENCODE', `${address.text} has no place in a signed address record`)
  }
  return { transport, reachability: type + 1, address: new Writer().string(address.text).finish() }
}

/** What a record says, in its order: known transports only; LAN ranges are Lan, unknown reachability Unverified. */
export function addressesOfRecord({ records }: Pick<SignedAddressRecord, 'records'>): TypedAddress[] {
  const typed: TypedAddress[] = []
  for (const record of records) {
    const address = decodePayload(record)
    if (!address) continue
    const claim = record.reachability - 1
    typed.push({ address, type: effectiveType(address, isAddressType(claim) ? claim : undefined) })
  }
  return typed
}

/** Signs our own record; throws PROTOCOL_ENCODE for one that no peer would accept. */
export async function createAddressRecord(
  { sequence, records }: Pick<SignedAddressRecord, 'sequence' | 'records'>,
  signer: Signer,
): Promise<SignedAddressRecord> {
  const owner = peerIdOfPublicKey(signer.publicKey)
  const refusal = checkContent({ owner, sequence, records })
  if (refusal) throw new ProtocolError('PROTOCOL_ENCODE', `cannot sign an address record: ${refusal.reason}`)
  const signature = await signer.sign(signedBytes({ owner, sequence, records }))
  const writer = new Writer(6_000)
  writeContent(writer, { owner, sequence, records })
  return decodeAddressRecord(writer.byteString(signer.publicKey).byteString(signature).finish())
}

/** Throws PROTOCOL_TOO_LARGE above 40 KiB, PROTOCOL_DECODE otherwise. Trailing bytes are dropped. */
export function decodeAddressRecord(bytes: Uint8Array): SignedAddressRecord {
  if (bytes.length > MAX_ADDRESS_RECORD_BYTES) {
    throw new ProtocolError(
      'PROTOCOL_TOO_LARGE',
      `an address record of ${bytes.length} bytes exceeds ${MAX_ADDRESS_RECORD_BYTES}`,
    )
  }
  return readAddressRecord(new Reader(bytes))
}

/**
 * Records that somebody still holds, by owner: the same 5.4 KB come in answer after answer, and are kept once. The
 * references are weak, so this holds nothing; the names are bounded.
 */
const held = new LruMap<PeerId, WeakRef<SignedAddressRecord>>(16_384)

/** Owns its bytes, since records outlive the message they came in. The same bytes give the same object. */
export function readAddressRecord(reader: Reader): SignedAddressRecord {
  const start = reader.offset
  const owner = readPeerId(reader)
  const known = held.get(owner)?.deref()
  if (known !== undefined) {
    const { length } = known.encoded
    // Equal bytes are read to an equal record that ends at the same place.
    if (equal(known.encoded, reader.bytes.subarray(start, start + length))) {
      reader.raw(start + length - reader.offset)
      return known
    }
  }
  readContent(reader, owner)
  const encoded = reader.bytes.slice(start, reader.offset)
  const own = new Reader(encoded)
  const record = { ...readContent(own, readPeerId(own)), encoded }
  held.set(owner, new WeakRef(record))
  return record
}

/** In the order of wire.md 14.2. There is no timestamp and no expiry. */
export async function verifyAddressRecord(
  record: SignedAddressRecord,
  verifier: Verifier,
): Promise<AddressRecordVerdict> {
  const { owner, publicKey, signature } = record
  const refusal = checkContent(record)
  if (refusal) return refusal
  if (publicKey.length !== ML_DSA_PUBLIC_KEY_BYTES) {
    return { kind: 'badKey', reason: `a key has ${ML_DSA_PUBLIC_KEY_BYTES} bytes, got ${publicKey.length}` }
  }
  if (peerIdOfPublicKey(publicKey) !== owner) return { kind: 'badOwner', reason: 'the key is not the owner’s' }
  if (signature.length !== ML_DSA_SIGNATURE_BYTES) {
    return { kind: 'badSignature', reason: `a signature has ${ML_DSA_SIGNATURE_BYTES} bytes, got ${signature.length}` }
  }
  const valid = await verifier.verify(publicKey, signedBytes(record), signature)
  return valid ? { kind: 'ok' } : { kind: 'badSignature', reason: 'the signature is not of this record' }
}

function readContent(reader: Reader, owner: PeerId): Omit<SignedAddressRecord, 'encoded'> {
  return {
    owner,
    sequence: reader.u64(),
    records: reader.list(MIN_RECORD_BYTES, (r) => ({
      transport: r.u16(),
      reachability: r.u16(),
      address: r.byteString(),
    })),
    publicKey: reader.byteString(),
    signature: reader.byteString(),
  }
}

function writeContent(writer: Writer, { owner, sequence, records }: Content): void {
  writer.string(owner).uint(sequence)
  writer.list(records, (w, record) => w.uint(record.transport).uint(record.reachability).byteString(record.address))
}

/** Canonical, also for a record that came in an odd form: the network re-encodes before it verifies. */
function signedBytes(content: Content): Bytes {
  const writer = new Writer(1_024).string(DOMAIN)
  writeContent(writer, content)
  return writer.finish()
}

function checkContent({
  owner,
  sequence,
  records,
}: Content): Exclude<AddressRecordVerdict, { kind: 'ok' }> | undefined {
  if (sequence === 0n) return { kind: 'badBounds', reason: 'the sequence is 0' }
  if (records.length < 1 || records.length > MAX_ADDRESS_RECORDS) {
    return { kind: 'badBounds', reason: `${records.length} records, 1 to ${MAX_ADDRESS_RECORDS} are allowed` }
  }
  for (const { address } of records) {
    if (address.length < 1 || address.length > MAX_ADDRESS_PAYLOAD_BYTES) {
      return { kind: 'badBounds', reason: `an address of ${address.length} bytes, 1 to ${MAX_ADDRESS_PAYLOAD_BYTES}` }
    }
  }
  for (const record of records) {
    const refusal = checkKnown(record, owner)
    if (refusal) return { kind: 'badAddress', reason: refusal }
  }
  return undefined
}

function checkKnown(record: TransportAddressRecord, owner: PeerId): string | undefined {
  const expected = TRANSPORTS[record.transport]
  if (expected === undefined) return undefined
  const address = decodePayload(record)
  if (!address) return `the payload is no ${expected} address`
  if (!isStorable(address)) return `${address.text} cannot be dialled`
  const needsOwner = expected === 'webrtc-direct' || address.peerId !== undefined
  return needsOwner && address.peerId !== owner ? `${address.text} does not name the owner` : undefined
}

/** The address of a known transport, if its text fits the id. */
function decodePayload({ transport, address }: TransportAddressRecord): Multiaddr | undefined {
  const expected = TRANSPORTS[transport]
  if (expected === undefined) return undefined
  try {
    const parsed = readMultiaddr(new Reader(address))
    return parsed.transport === expected ? parsed : undefined
  } catch (error) {
    if (error instanceof ProtocolError) return undefined
    throw error
  }
}
