/** StorageCommitment (wire.md 18.1): a signed statement of what a peer stores, as postcard and as a sidecar. */
import { type Bytes, concat, utf8 } from '../base/index.ts'
import { backend, type Signer, type Verifier } from '../crypto/index.ts'
import { MAX_COMMITMENT_KEYS, MAX_COMMITMENT_SIDECAR_BYTES } from './constants.ts'
import { ProtocolError } from './errors.ts'
import { KEY_BYTES, keyOf, type PeerId, peerIdOf } from './key.ts'
import { MsgpackReader } from './msgpack-reader.ts'
import { MsgpackWriter } from './msgpack-writer.ts'
import { peerIdOfPublicKey } from './peer-id.ts'
import { Reader, Writer } from './postcard.ts'

export interface StorageCommitment {
  /** 32 bytes: top of the tree over the sorted entries. */
  readonly root: Uint8Array
  /** 1 to 1 000 000 when valid. */
  readonly keyCount: number
  readonly peer: PeerId
  readonly publicKey: Uint8Array
  readonly signature: Uint8Array
}

const SIGNING_CONTEXT = utf8('autonomi.ant.replication.storage_commitment.v1')
const HASH_PREFIX = utf8('autonomi.ant.replication.commitment_hash.v1')
/** Postcard size of a real one. */
const ENCODED_BYTES = 5_333

export function writeStorageCommitment(writer: Writer, commitment: StorageCommitment): void {
  writer.raw(commitment.root).uint(commitment.keyCount).raw(keyOf(commitment.peer))
  writer.byteString(commitment.publicKey).byteString(commitment.signature)
}

/** Byte fields are views into the message. */
export function readStorageCommitment(reader: Reader): StorageCommitment {
  return {
    root: reader.raw(KEY_BYTES),
    keyCount: reader.u32(),
    peer: peerIdOf(reader.raw(KEY_BYTES)),
    publicKey: reader.byteString(),
    signature: reader.byteString(),
  }
}

export function encodeStorageCommitment(commitment: StorageCommitment): Bytes {
  const writer = new Writer(ENCODED_BYTES)
  writeStorageCommitment(writer, commitment)
  return writer.finish()
}

/** Throws PROTOCOL_DECODE; trailing bytes are ignored. */
export function decodeStorageCommitment(bytes: Uint8Array): StorageCommitment {
  return readStorageCommitment(new Reader(bytes))
}

/** The MessagePack form that rides with quotes and proofs. Throws PROTOCOL_TOO_LARGE above 8 192 bytes. */
export function encodeCommitmentSidecar({ root, keyCount, peer, publicKey, signature }: StorageCommitment): Bytes {
  const writer = new MsgpackWriter(MAX_COMMITMENT_SIDECAR_BYTES)
  writer.array(5).uints(root).uint(keyCount).uints(keyOf(peer)).uints(publicKey).uints(signature)
  const bytes = writer.finish()
  checkSidecar(bytes)
  return bytes
}

/** Throws PROTOCOL_TOO_LARGE above 8 192 bytes, PROTOCOL_DECODE otherwise. */
export function decodeCommitmentSidecar(bytes: Uint8Array): StorageCommitment {
  checkSidecar(bytes)
  const fields = new MsgpackReader(bytes).struct({
    root: (r) => r.uints(KEY_BYTES),
    key_count: (r) => r.u32(),
    sender_peer_id: (r) => r.uints(KEY_BYTES),
    sender_public_key: (r) => r.uints(),
    signature: (r) => r.uints(),
  })
  return {
    root: fields.root,
    keyCount: fields.key_count,
    peer: peerIdOf(fields.sender_peer_id),
    publicKey: fields.sender_public_key,
    signature: fields.signature,
  }
}

/** The bytes under the signature; 2 024 with a real key. */
export function commitmentSignedPayload({
  root,
  keyCount,
  peer,
  publicKey,
}: Omit<StorageCommitment, 'signature'>): Bytes {
  return concat([root, u32le(keyCount), keyOf(peer), u32le(publicKey.length), publicKey])
}

/** The pin: BLAKE3 over the whole commitment, signature included, so signing again gives another pin. */
export function commitmentPin(commitment: StorageCommitment): Bytes {
  return backend().blake3(concat([HASH_PREFIX, encodeStorageCommitment(commitment)]))
}

/** Signs root and count under the signer's id (wire.md 18.1). */
export async function createStorageCommitment(
  { root, keyCount }: Pick<StorageCommitment, 'root' | 'keyCount'>,
  signer: Signer,
): Promise<StorageCommitment> {
  const { publicKey } = signer
  const unsigned = { root, keyCount, peer: peerIdOfPublicKey(publicKey), publicKey }
  return { ...unsigned, signature: await signer.sign(commitmentSignedPayload(unsigned), SIGNING_CONTEXT) }
}

/** Key count, owner of the key, signature. The caller also compares `peer` with the authenticated sender. */
export async function verifyStorageCommitment(commitment: StorageCommitment, verifier: Verifier): Promise<boolean> {
  const { keyCount, peer, publicKey, signature } = commitment
  if (keyCount < 1 || keyCount > MAX_COMMITMENT_KEYS || peerIdOfPublicKey(publicKey) !== peer) return false
  return await verifier.verify(publicKey, commitmentSignedPayload(commitment), signature, SIGNING_CONTEXT)
}

function checkSidecar(bytes: Uint8Array): void {
  if (bytes.length <= MAX_COMMITMENT_SIDECAR_BYTES) return
  throw new ProtocolError(
    'PROTOCOL_TOO_LARGE',
    `a commitment sidecar of ${bytes.length} bytes exceeds ${MAX_COMMITMENT_SIDECAR_BYTES}`,
  )
}

function u32le(value: number): Uint8Array {
  const bytes = new Uint8Array(4)
  new DataView(bytes.buffer).setUint32(0, value, true)
  return bytes
}
