/** Pointers (wire.md 17): small mutable records of exactly 5 303 bytes, laid out by hand, big-endian. */
import { type Bytes, compare, utf8 } from '../base/index.ts'
import { backend, ML_DSA_PUBLIC_KEY_BYTES, type Signer, type Verifier } from '../crypto/index.ts'
import { ProtocolError } from './errors.ts'
import { type ChunkAddress, chunkAddressOf, KEY_BYTES, keyOf } from './key.ts'
import type { Reader, Writer } from './postcard.ts'

export interface PointerTarget {
  /** 0 chunk, 1 pointer, others opaque. */
  readonly kind: number
  readonly address: ChunkAddress
}

export interface PointerRecord {
  readonly owner: Uint8Array
  readonly counter: bigint
  readonly target: PointerTarget
  readonly signature: Uint8Array
  /** The 5 303 bytes. */
  readonly encoded: Uint8Array
}

/** What peers tell each other about a pointer. */
export interface PointerStateSummary {
  readonly address: ChunkAddress
  /** 32 bytes. */
  readonly stateId: Uint8Array
  readonly counter: bigint
  readonly target: PointerTarget
}

export const POINTER_BYTES = 5_303
/** A state with this counter is replaced by nothing. */
export const FINAL_POINTER_COUNTER = 0xffff_ffff_ffff_ffffn
/** Two hashes, a counter, a tag and the target. */
export const MIN_POINTER_SUMMARY_BYTES = 98

const VERSION = 1
const COUNTER_AT = 1 + ML_DSA_PUBLIC_KEY_BYTES
const TARGET_AT = COUNTER_AT + 8
const BODY_BYTES = TARGET_AT + 1 + KEY_BYTES
const SIGNING_CONTEXT = utf8('autonomi.pointer.head.v1')

/** Length, version, fields; the signature is not checked. Throws PROTOCOL_DECODE. Fields are views. */
export function parsePointer(bytes: Uint8Array): PointerRecord {
  if (bytes.length !== POINTER_BYTES) {
    throw new ProtocolError('PROTOCOL_DECODE', `a pointer has ${POINTER_BYTES} bytes, got ${bytes.length}`)
  }
  if (bytes[0] !== VERSION) {
    throw new ProtocolError('PROTOCOL_DECODE', `pointer format ${bytes[0]} is unknown, ${VERSION} is spoken`)
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  return {
    owner: bytes.subarray(1, COUNTER_AT),
    counter: view.getBigUint64(COUNTER_AT),
    target: { kind: view.getUint8(TARGET_AT), address: chunkAddressOf(bytes.subarray(TARGET_AT + 1, BODY_BYTES)) },
    signature: bytes.subarray(BODY_BYTES),
    encoded: bytes,
  }
}

/** A signed pointer of the signer's; the counter decides which of two is newer. */
export async function createPointer(
  { counter, target }: Pick<PointerRecord, 'counter' | 'target'>,
  signer: Signer,
): Promise<PointerRecord> {
  const encoded = new Uint8Array(POINTER_BYTES)
  const view = new DataView(encoded.buffer)
  encoded[0] = VERSION
  encoded.set(signer.publicKey, 1)
  view.setBigUint64(COUNTER_AT, counter)
  view.setUint8(TARGET_AT, target.kind)
  encoded.set(keyOf(target.address), TARGET_AT + 1)
  encoded.set(await signer.sign(encoded.subarray(0, BODY_BYTES), SIGNING_CONTEXT), BODY_BYTES)
  return parsePointer(encoded)
}

/** Signature only; never throws. */
export function verifyPointer({ owner, encoded, signature }: PointerRecord, verifier: Verifier): Promise<boolean> {
  return verifier.verify(owner, encoded.subarray(0, BODY_BYTES), signature, SIGNING_CONTEXT)
}

/** Where the pointer lives: depends on its owner alone. */
export function pointerAddress(owner: Uint8Array): ChunkAddress {
  return chunkAddressOf(backend().blake3DeriveKey('autonomi.pointer.address.v1', owner))
}

/** 32 bytes that name this state; the signature is not part of it. */
export function pointerStateId({ encoded }: PointerRecord): Bytes {
  return backend().blake3DeriveKey('autonomi.pointer.state.v1', encoded.subarray(0, BODY_BYTES))
}

/** The counter of the next state; undefined after the final one. */
export function nextPointerCounter({ counter }: Pick<PointerRecord, 'counter'>): bigint | undefined {
  return counter === FINAL_POINTER_COUNTER ? undefined : counter + 1n
}

/** Merge rule: whether `offered` replaces `held`. Records of different owners never replace each other. */
export function pointerReplaces(offered: PointerRecord, held: PointerRecord): boolean {
  if (compare(offered.owner, held.owner) !== 0 || held.counter === FINAL_POINTER_COUNTER) return false
  if (offered.counter !== held.counter) return offered.counter > held.counter
  const target = ({ encoded }: PointerRecord) => encoded.subarray(TARGET_AT, BODY_BYTES)
  return compare(target(offered), target(held)) < 0
}

export function writePointerSummary(writer: Writer, { address, stateId, counter, target }: PointerStateSummary): void {
  writer.raw(keyOf(address)).raw(stateId).uint(counter).u8(target.kind).raw(keyOf(target.address))
}

export function readPointerSummary(reader: Reader): PointerStateSummary {
  return {
    address: chunkAddressOf(reader.raw(KEY_BYTES)),
    stateId: reader.raw(KEY_BYTES),
    counter: reader.u64(),
    target: { kind: reader.u8(), address: chunkAddressOf(reader.raw(KEY_BYTES)) },
  }
}
