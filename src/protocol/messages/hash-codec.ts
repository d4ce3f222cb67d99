/** The 32-byte things of replication messages: keys as texts, hashes as views. */
import { type ChunkAddress, chunkAddressOf, KEY_BYTES } from '../key.ts'
import type { Reader, Writer } from '../postcard.ts'

export function readHash(reader: Reader): Uint8Array {
  return reader.raw(KEY_BYTES)
}

export function readHashes(reader: Reader): Uint8Array[] {
  return reader.list(KEY_BYTES, readHash)
}

export function writeHashes(writer: Writer, hashes: readonly Uint8Array[]): Writer {
  return writer.list(hashes, (w, hash) => w.raw(hash))
}

export function readKey(reader: Reader): ChunkAddress {
  return chunkAddressOf(reader.bytes, reader.skip(KEY_BYTES))
}

export function writeKey(writer: Writer, key: ChunkAddress): Writer {
  return writer.hex(key)
}

export function readKeys(reader: Reader, keep?: number): ChunkAddress[] {
  return reader.list(KEY_BYTES, readKey, keep)
}

export function writeKeys(writer: Writer, keys: readonly ChunkAddress[]): Writer {
  return writer.list(keys, writeKey)
}
