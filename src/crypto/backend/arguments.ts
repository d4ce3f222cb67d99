/**
 * Argument checks that all three backends share, so that a wrong call fails in the same way everywhere. The addon's
 * C++ shell checks again for itself: a native call must be safe whoever makes it.
 */
import { types } from 'node:util'
import type { Bytes } from '../../base/index.ts'
import {
  HASH_BYTES,
  ML_DSA_CONTEXT_MAX_BYTES,
  ML_DSA_MESSAGE_MAX_BYTES,
  ML_DSA_PUBLIC_KEY_BYTES,
  ML_DSA_RANDOMNESS_BYTES,
  ML_DSA_SECRET_KEY_BYTES,
  ML_DSA_SIGNATURE_BYTES,
  OPEN_CONTENT_MAX_BYTES,
  OUTPUT_MAX_BYTES,
  SEAL_PLAIN_MAX_BYTES,
  type SealKeys,
  type SignOptions,
} from '../backend.ts'
import { AUDIT_CONTENT_MAX_BYTES, blockCount } from '../blocks.ts'
import { CryptoError } from '../errors.ts'

const SEAL_INPUT_BYTES = 112
/** Contexts are constants in a program's source: a long one is a mistake. */
const DERIVE_CONTEXT_MAX_LENGTH = 65536
const EMPTY = new Uint8Array(0)

export function refuse(message: string): never {
  throw new CryptoError('CRYPTO_ARGUMENT', message)
}

/** A Uint8Array over a plain, attached buffer of fixed size: nothing can change or move it during a call. */
export function checkBytes(value: unknown, what: string): asserts value is Uint8Array {
  if (!types.isUint8Array(value)) refuse(`${what} must be a Uint8Array, got ${typeName(value)}`)
  const buffer = value.buffer
  if (buffer instanceof ArrayBuffer) {
    if (buffer.resizable) refuse(`${what} must not lie in a resizable buffer`)
    if (buffer.detached) refuse(`${what} lies in a buffer that was moved away`)
  } else refuse(`${what} must not lie in shared memory`)
}

export function checkLength(value: unknown, length: number, what: string): asserts value is Uint8Array {
  checkBytes(value, what)
  if (value.length !== length) refuse(`${what} must have ${length} bytes, got ${value.length}`)
}

export function checkAtMost(value: unknown, limit: number, what: string): asserts value is Uint8Array {
  checkBytes(value, what)
  if (value.length > limit) refuse(`${what} must have at most ${limit} bytes, got ${value.length}`)
}

/** A whole number in [0, limit]. */
export function checkNumber(value: unknown, limit: number, what: string): asserts value is number {
  if (typeof value !== 'number' || !Number.isInteger(value) || value < 0 || value > limit)
    refuse(
      `${what} must be a whole number from 0 to ${limit}, got ${typeof value === 'number' ? value : typeName(value)}`,
    )
}

export function checkOutputLength(length: unknown): asserts length is number {
  checkNumber(length, OUTPUT_MAX_BYTES, 'output length')
}

export function checkContext(context: unknown): asserts context is string {
  if (typeof context !== 'string') refuse(`derive-key context must be a text, got ${typeName(context)}`)
  if (context.length > DERIVE_CONTEXT_MAX_LENGTH)
    refuse(`derive-key context must have at most ${DERIVE_CONTEXT_MAX_LENGTH} characters, got ${context.length}`)
}

export function checkOut(out: unknown, offset: unknown): asserts out is Uint8Array {
  checkBytes(out, 'output')
  checkNumber(offset, Number.MAX_SAFE_INTEGER, 'output offset')
  if (offset + HASH_BYTES > out.length)
    refuse(`output of ${out.length} bytes has no room for ${HASH_BYTES} bytes at ${offset}`)
}

export interface CheckedSignOptions {
  readonly context: Uint8Array
  /** undefined: hedged with fresh randomness. */
  readonly randomness: Uint8Array | undefined
}

export function checkSign(secretKey: unknown, message: unknown, options: SignOptions = {}): CheckedSignOptions {
  if (typeof options !== 'object' || options === null)
    refuse(`sign options must be an object, got ${typeName(options)}`)
  // Read before the buffers are looked at: a getter could move them away.
  const { context = EMPTY, deterministic = false, randomness } = options
  checkLength(secretKey, ML_DSA_SECRET_KEY_BYTES, 'secret key')
  checkAtMost(message, ML_DSA_MESSAGE_MAX_BYTES, 'message')
  checkAtMost(context, ML_DSA_CONTEXT_MAX_BYTES, 'context')
  if (typeof deterministic !== 'boolean') refuse(`deterministic must be true or false, got ${typeName(deterministic)}`)
  if (randomness !== undefined) checkLength(randomness, ML_DSA_RANDOMNESS_BYTES, 'randomness')
  if (randomness !== undefined && deterministic) refuse('randomness and deterministic exclude each other')
  return { context, randomness: deterministic ? new Uint8Array(ML_DSA_RANDOMNESS_BYTES) : randomness }
}

/** true when the parts have the right types; the lengths decide between "verify" and a plain false. */
export function checkVerify(publicKey: unknown, message: unknown, signature: unknown, context: unknown): boolean {
  checkBytes(publicKey, 'public key')
  checkAtMost(message, ML_DSA_MESSAGE_MAX_BYTES, 'message')
  checkBytes(signature, 'signature')
  if (context !== undefined) checkBytes(context, 'context')
  return (
    publicKey.length === ML_DSA_PUBLIC_KEY_BYTES &&
    signature.length === ML_DSA_SIGNATURE_BYTES &&
    (context === undefined || context.length <= ML_DSA_CONTEXT_MAX_BYTES)
  )
}

/** Returns the derivation input of the chunk: 112 bytes (self-encryption.md 5). */
export function checkSeal(plain: unknown, keys: unknown): Bytes {
  const input = sealInput(keys)
  checkAtMost(plain, SEAL_PLAIN_MAX_BYTES, 'plain chunk')
  return input
}

export function checkOpen(content: unknown, keys: unknown, size: unknown): Bytes {
  const input = sealInput(keys)
  checkAtMost(content, OPEN_CONTENT_MAX_BYTES, 'encrypted chunk')
  checkNumber(size, SEAL_PLAIN_MAX_BYTES, 'declared size')
  return input
}

export function checkContent(content: unknown): asserts content is Uint8Array {
  checkAtMost(content, AUDIT_CONTENT_MAX_BYTES, 'content')
}

/** A block that the content has. */
export function checkBlock(content: unknown, index: unknown): asserts content is Uint8Array {
  checkContent(content)
  checkNumber(index, blockCount(content.length) - 1, 'block index')
}

function sealInput(keys: unknown): Bytes {
  if (typeof keys !== 'object' || keys === null) refuse(`seal keys must be an object, got ${typeName(keys)}`)
  const { source, neighbour1, neighbour2, index, level } = keys as Record<keyof SealKeys, unknown>
  checkLength(source, HASH_BYTES, 'source hash')
  checkLength(neighbour1, HASH_BYTES, 'first neighbour')
  checkLength(neighbour2, HASH_BYTES, 'second neighbour')
  checkNumber(index, Number.MAX_SAFE_INTEGER, 'chunk index')
  checkNumber(level, Number.MAX_SAFE_INTEGER, 'shrink level')
  const input = new Uint8Array(SEAL_INPUT_BYTES)
  input.set(source, 0)
  input.set(neighbour1, 32)
  input.set(neighbour2, 64)
  const view = new DataView(input.buffer)
  writeUint64(view, 96, index)
  writeUint64(view, 104, level)
  return input
}

function writeUint64(view: DataView, offset: number, value: number): void {
  view.setUint32(offset, value % 2 ** 32, true)
  view.setUint32(offset + 4, Math.floor(value / 2 ** 32), true)
}

function typeName(value: unknown): string {
  if (value === null) return 'null'
  if (typeof value !== 'object') return typeof value
  return Object.prototype.toString.call(value).slice(8, -1)
}
