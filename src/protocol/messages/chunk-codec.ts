/** Bytes of the chunk protocol (wire.md 16). Sizes and hashes of content are not checked here, as on the network. */
import type { Bytes } from '../../base/index.ts'
import { MAX_CHUNK_MESSAGE_BYTES } from '../constants.ts'
import { ProtocolError } from '../errors.ts'
import { keyOf } from '../key.ts'
import { Reader, RopeWriter, Writer } from '../postcard.ts'
import type { ChunkBody, ChunkMessage } from './chunk.ts'
import {
  readAddress,
  readCandidateResult,
  readGetResult,
  readPointerGetResult,
  readPointerPutResult,
  readPutResult,
  readQuoteResult,
  writeBytes,
  writeCandidateResult,
  writeGetResult,
  writePointerGetResult,
  writePointerPutResult,
  writePutResult,
  writeQuoteResult,
} from './chunk-result-codec.ts'

/** In the order of their discriminants. */
const BODIES = [
  'putRequest',
  'putResponse',
  'getRequest',
  'getResponse',
  'quoteRequest',
  'quoteResponse',
  'merkleCandidateRequest',
  'merkleCandidateResponse',
  'quoteRequestV2',
  'merkleCandidateRequestV2',
  'pointerPutRequest',
  'pointerPutResponse',
  'pointerGetRequest',
  'pointerGetResponse',
] as const satisfies readonly ChunkBody['kind'][]

/** Room for every field that is not content, proof, record or text. */
const FIXED_BYTES = 160

/** Never refuses a size: the receiver does. */
export function encodeChunkMessage({ requestId, body }: ChunkMessage): Bytes {
  return write(new Writer(FIXED_BYTES + bulk(body)), requestId, body).finish()
}

/** The same bytes in parts: content and other large byte strings are borrowed, not copied. */
export function encodeChunkMessageParts({ requestId, body }: ChunkMessage): readonly Uint8Array[] {
  return write(new RopeWriter(FIXED_BYTES), requestId, body).finishParts()
}

function write<W extends Writer>(writer: W, requestId: bigint, body: ChunkBody): W {
  writer.uint(requestId).uint(BODIES.indexOf(body.kind))
  writeBody(writer, body)
  return writer
}

/**
 * Throws PROTOCOL_TOO_LARGE above 5 MiB, PROTOCOL_DECODE otherwise. Content, proofs and records are views into
 * `bytes`; trailing bytes are ignored.
 */
export function decodeChunkMessage(bytes: Uint8Array): ChunkMessage {
  if (bytes.length > MAX_CHUNK_MESSAGE_BYTES) {
    throw new ProtocolError(
      'PROTOCOL_TOO_LARGE',
      `a chunk message of ${bytes.length} bytes exceeds ${MAX_CHUNK_MESSAGE_BYTES}`,
    )
  }
  const reader = new Reader(bytes)
  return { requestId: reader.u64(), body: readBody(reader) }
}

function bulk(body: ChunkBody): number {
  switch (body.kind) {
    case 'putRequest':
      return body.content.length + (body.paymentProof?.length ?? 0)
    case 'pointerPutRequest':
      return body.record.length + (body.paymentProof?.length ?? 0)
    case 'getResponse':
      return body.result.kind === 'success' ? body.result.content.length : 0
    case 'quoteResponse':
      return body.result.kind === 'success' ? body.result.quote.length + (body.result.commitment?.length ?? 0) : 0
    case 'merkleCandidateResponse':
      return body.result.kind === 'success' ? body.result.candidate.length + (body.result.commitment?.length ?? 0) : 0
    case 'pointerGetResponse':
      return body.result.kind === 'success' ? body.result.record.length : 0
    default:
      return 0
  }
}

function writeBody(writer: Writer, body: ChunkBody): unknown {
  switch (body.kind) {
    case 'putRequest':
      return writer.raw(keyOf(body.address)).byteString(body.content).option(body.paymentProof, writeBytes)
    case 'putResponse':
      return writePutResult(writer, body.result)
    case 'getRequest':
    case 'pointerGetRequest':
      return writer.raw(keyOf(body.address))
    case 'getResponse':
      return writeGetResult(writer, body.result)
    case 'quoteRequest':
      return writer.raw(keyOf(body.address)).uint(body.dataSize).uint(body.dataType)
    case 'quoteResponse':
      return writeQuoteResult(writer, body.result)
    case 'merkleCandidateRequest':
      return writer.raw(keyOf(body.address)).uint(body.dataType).uint(body.dataSize).uint(body.timestamp)
    case 'merkleCandidateResponse':
      return writeCandidateResult(writer, body.result)
    case 'quoteRequestV2':
      return writer.raw(keyOf(body.address)).uint(body.dataSize).uint(body.dataType).uint(body.settlementVersion)
    case 'merkleCandidateRequestV2':
      writer.raw(keyOf(body.address)).uint(body.dataType).uint(body.dataSize).uint(body.timestamp)
      return writer.uint(body.settlementVersion)
    case 'pointerPutRequest':
      return writer.byteString(body.record).option(body.paymentProof, writeBytes)
    case 'pointerPutResponse':
      return writePointerPutResult(writer, body.result)
    case 'pointerGetResponse':
      return writePointerGetResult(writer, body.result)
  }
}

function readBody(reader: Reader): ChunkBody {
  const kind = BODIES[reader.variant(BODIES.length)] as ChunkBody['kind']
  switch (kind) {
    case 'putRequest':
      return { kind, address: readAddress(reader), content: reader.byteString(), ...readProof(reader) }
    case 'putResponse':
      return { kind, result: readPutResult(reader) }
    case 'getRequest':
    case 'pointerGetRequest':
      return { kind, address: readAddress(reader) }
    case 'getResponse':
      return { kind, result: readGetResult(reader) }
    case 'quoteRequest':
      return { kind, ...readQuoteRequest(reader) }
    case 'quoteResponse':
      return { kind, result: readQuoteResult(reader) }
    case 'merkleCandidateRequest':
      return { kind, ...readMerkleRequest(reader) }
    case 'merkleCandidateResponse':
      return { kind, result: readCandidateResult(reader) }
    case 'quoteRequestV2':
      return { kind, ...readQuoteRequest(reader), settlementVersion: reader.u32() }
    case 'merkleCandidateRequestV2':
      return { kind, ...readMerkleRequest(reader), settlementVersion: reader.u32() }
    case 'pointerPutRequest':
      return { kind, record: reader.byteString(), ...readProof(reader) }
    case 'pointerPutResponse':
      return { kind, result: readPointerPutResult(reader) }
    case 'pointerGetResponse':
      return { kind, result: readPointerGetResult(reader) }
  }
}

function readQuoteRequest(reader: Reader) {
  return { address: readAddress(reader), dataSize: reader.u64(), dataType: reader.u32() }
}

function readMerkleRequest(reader: Reader) {
  return { address: readAddress(reader), dataType: reader.u32(), dataSize: reader.u64(), timestamp: reader.u64() }
}

function readProof(reader: Reader): { paymentProof?: Uint8Array } {
  const paymentProof = reader.option((r) => r.byteString())
  return paymentProof === undefined ? {} : { paymentProof }
}
