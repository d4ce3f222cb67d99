/** The results inside answers of the chunk protocol (wire.md 16.1). */
import { type ChunkAddress, chunkAddressOf, KEY_BYTES, keyOf } from '../key.ts'
import type { Reader, Writer } from '../postcard.ts'
import type {
  GetResult,
  MerkleCandidateResult,
  PointerGetResult,
  PointerPutResult,
  PutResult,
  QuoteResult,
} from './chunk.ts'
import { readChunkError, writeChunkError } from './chunk-error-codec.ts'

/** In the order of their discriminants. */
const POINTER_STATES = ['success', 'unchanged', 'stale'] as const

export function writeBytes(writer: Writer, bytes: Uint8Array): void {
  writer.byteString(bytes)
}

export function readAddress(reader: Reader): ChunkAddress {
  return chunkAddressOf(reader.raw(KEY_BYTES))
}

export function writePutResult(writer: Writer, result: PutResult): void {
  if (result.kind === 'paymentRequired') writer.uint(2).string(result.message)
  else if (result.kind === 'error') writeChunkError(writer.uint(3), result.error)
  else writer.uint(result.kind === 'success' ? 0 : 1).raw(keyOf(result.address))
}

export function writeGetResult(writer: Writer, result: GetResult): void {
  if (result.kind === 'success') writer.uint(0).raw(keyOf(result.address)).byteString(result.content)
  else if (result.kind === 'notFound') writer.uint(1).raw(keyOf(result.address))
  else writeChunkError(writer.uint(2), result.error)
}

export function writeQuoteResult(writer: Writer, result: QuoteResult): void {
  if (result.kind === 'error') writeChunkError(writer.uint(1), result.error)
  else writer.uint(0).byteString(result.quote).bool(result.alreadyStored).option(result.commitment, writeBytes)
}

export function writeCandidateResult(writer: Writer, result: MerkleCandidateResult): void {
  if (result.kind === 'error') writeChunkError(writer.uint(1), result.error)
  else writer.uint(0).byteString(result.candidate).option(result.commitment, writeBytes)
}

export function writePointerPutResult(writer: Writer, result: PointerPutResult): void {
  if (result.kind === 'paymentRequired') writer.uint(3).string(result.message)
  else if (result.kind === 'error') writeChunkError(writer.uint(4), result.error)
  else {
    writer.uint(POINTER_STATES.indexOf(result.kind)).raw(keyOf(result.address)).raw(result.stateId)
  }
}

export function writePointerGetResult(writer: Writer, result: PointerGetResult): void {
  if (result.kind === 'success') writer.uint(0).byteString(result.record)
  else if (result.kind === 'notFound') writer.uint(1).raw(keyOf(result.address))
  else writeChunkError(writer.uint(2), result.error)
}

function readCommitment(reader: Reader): { commitment?: Uint8Array } {
  const commitment = reader.option((r) => r.byteString())
  return commitment === undefined ? {} : { commitment }
}

export function readPutResult(reader: Reader): PutResult {
  switch (reader.variant(4)) {
    case 0:
      return { kind: 'success', address: readAddress(reader) }
    case 1:
      return { kind: 'alreadyExists', address: readAddress(reader) }
    case 2:
      return { kind: 'paymentRequired', message: reader.string() }
    default:
      return { kind: 'error', error: readChunkError(reader) }
  }
}

export function readGetResult(reader: Reader): GetResult {
  switch (reader.variant(3)) {
    case 0:
      return { kind: 'success', address: readAddress(reader), content: reader.byteString() }
    case 1:
      return { kind: 'notFound', address: readAddress(reader) }
    default:
      return { kind: 'error', error: readChunkError(reader) }
  }
}

export function readQuoteResult(reader: Reader): QuoteResult {
  if (reader.variant(2) === 1) return { kind: 'error', error: readChunkError(reader) }
  return { kind: 'success', quote: reader.byteString(), alreadyStored: reader.bool(), ...readCommitment(reader) }
}

export function readCandidateResult(reader: Reader): MerkleCandidateResult {
  if (reader.variant(2) === 1) return { kind: 'error', error: readChunkError(reader) }
  return { kind: 'success', candidate: reader.byteString(), ...readCommitment(reader) }
}

export function readPointerPutResult(reader: Reader): PointerPutResult {
  const variant = reader.variant(5)
  if (variant === 3) return { kind: 'paymentRequired', message: reader.string() }
  if (variant === 4) return { kind: 'error', error: readChunkError(reader) }
  const kind = POINTER_STATES[variant] as (typeof POINTER_STATES)[number]
  return { kind, address: readAddress(reader), stateId: reader.raw(KEY_BYTES) }
}

export function readPointerGetResult(reader: Reader): PointerGetResult {
  switch (reader.variant(3)) {
    case 0:
      return { kind: 'success', record: reader.byteString() }
    case 1:
      return { kind: 'notFound', address: readAddress(reader) }
    default:
      return { kind: 'error', error: readChunkError(reader) }
  }
}
