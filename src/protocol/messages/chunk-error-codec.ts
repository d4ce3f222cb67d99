/** ProtocolError of the chunk protocol (wire.md 16.2), which travels inside answers. */
import { chunkAddressOf, KEY_BYTES, keyOf } from '../key.ts'
import type { Reader, Writer } from '../postcard.ts'
import type { ChunkProtocolError } from './chunk.ts'

/** In the order of their discriminants. */
const ERRORS = [
  'serializationFailed',
  'deserializationFailed',
  'messageTooLarge',
  'chunkTooLarge',
  'addressMismatch',
  'storageFailed',
  'paymentFailed',
  'quoteFailed',
  'internal',
  'clientUpdateRequired',
  'storerUpdateRequired',
] as const satisfies readonly ChunkProtocolError['kind'][]

export function writeChunkError(writer: Writer, error: ChunkProtocolError): void {
  writer.uint(ERRORS.indexOf(error.kind))
  switch (error.kind) {
    case 'messageTooLarge':
    case 'chunkTooLarge':
      writer.uint(error.size).uint(error.maxSize)
      return
    case 'addressMismatch':
      writer.raw(keyOf(error.expected)).raw(keyOf(error.actual))
      return
    case 'clientUpdateRequired':
      writer.uint(error.clientVersion).uint(error.minVersion)
      return
    case 'storerUpdateRequired':
      writer.uint(error.clientVersion).uint(error.nodeVersion)
      return
    default:
      writer.string(error.message)
  }
}

export function readChunkError(reader: Reader): ChunkProtocolError {
  const kind = ERRORS[reader.variant(ERRORS.length)] as ChunkProtocolError['kind']
  switch (kind) {
    case 'messageTooLarge':
    case 'chunkTooLarge':
      return { kind, size: reader.size(), maxSize: reader.size() }
    case 'addressMismatch': {
      const expected = chunkAddressOf(reader.raw(KEY_BYTES))
      return { kind, expected, actual: chunkAddressOf(reader.raw(KEY_BYTES)) }
    }
    case 'clientUpdateRequired':
      return { kind, clientVersion: reader.u32(), minVersion: reader.u32() }
    case 'storerUpdateRequired':
      return { kind, clientVersion: reader.u32(), nodeVersion: reader.u32() }
    default:
      return { kind, message: reader.string() }
  }
}

/** One clear sentence for people and logs. */
export function describeChunkError(error: ChunkProtocolError): string {
  switch (error.kind) {
    case 'messageTooLarge':
      return `message size ${error.size} exceeds maximum ${error.maxSize}`
    case 'chunkTooLarge':
      return `chunk size ${error.size} exceeds maximum ${error.maxSize}`
    case 'addressMismatch':
      return `the content hashes to ${error.actual}, not to ${error.expected}`
    case 'clientUpdateRequired':
      return `the node needs settlement version ${error.minVersion}, this client speaks ${error.clientVersion}`
    case 'storerUpdateRequired':
      return `the node speaks settlement version ${error.nodeVersion}, this client speaks ${error.clientVersion}`
    default:
      return error.message
  }
}
