/** Data map in MessagePack: the form that is stored and published (self-encryption.md 10). */
import type { Bytes } from '../base/index.ts'
import { backend } from '../crypto/index.ts'
import {
  type ChunkAddress,
  chunkAddressOf,
  keyOf,
  MsgpackReader,
  MsgpackWriter,
  ProtocolError,
} from '../protocol/index.ts'
import { type DataMap, type DataMapEntry, toU64 } from './data-map.ts'
import { SelfEncryptionError } from './errors.ts'

const VERSION = 1
/** Array head, two integers, two hashes of zeros: no entry is shorter. */
const MIN_ENTRY_BYTES = 73

/** Fresh bytes; their BLAKE3 hash is the address of a public map. */
export function encodeDataMap({ entries, child }: DataMap): Bytes {
  const writer = new MsgpackWriter(16 + 128 * entries.length)
  writer.array(3).uint(VERSION).array(entries.length)
  for (const { index, address, source, size } of entries) {
    writer.array(4).uint(index).uints(keyOf(address)).uints(source).uint(size)
  }
  return (child === null ? writer.nil() : writer.uint(child)).finish().slice()
}

/** Reads what the network's reader reads: structs as arrays or as maps with names, longer integers, trailing bytes. */
export function decodeDataMap(bytes: Uint8Array): DataMap {
  try {
    const reader = new MsgpackReader(bytes)
    const { chunk_identifiers: entries, child } = reader.struct(FIELDS, isNamed(bytes[0]) ? ['child'] : [])
    return { entries, child: child ?? null }
  } catch (cause) {
    if (!(cause instanceof ProtocolError)) throw cause
    throw new SelfEncryptionError('SELF_ENCRYPTION_MAP_DECODE', `data map: ${cause.message}`, { cause })
  }
}

/** BLAKE3 of the MessagePack bytes: the public address of a file when the map is its final one. */
export function dataMapAddress(map: DataMap): ChunkAddress {
  return chunkAddressOf(backend().blake3(encodeDataMap(map)))
}

const u64 = (reader: MsgpackReader) => toU64(reader.u64())
const hash = (reader: MsgpackReader) => reader.uints(32)

const ENTRY = { index: u64, dst_hash: hash, src_hash: hash, src_size: u64 }

const FIELDS = {
  version(reader: MsgpackReader) {
    const version = reader.u64()
    if (version === BigInt(VERSION)) return version
    const message = `unsupported data map version ${version}: only ${VERSION} is known`
    throw new SelfEncryptionError('SELF_ENCRYPTION_MAP_VERSION', message)
  },
  chunk_identifiers: (reader: MsgpackReader) =>
    reader.list(entry, { max: Math.floor(reader.remaining / MIN_ENTRY_BYTES) }),
  child: (reader: MsgpackReader) => reader.option(u64),
}

function entry(reader: MsgpackReader): DataMapEntry {
  const { index, dst_hash, src_hash, src_size } = reader.struct(ENTRY)
  return { index, address: chunkAddressOf(dst_hash), source: src_hash, size: src_size }
}

/** Only in the form with names may the last field be missing. */
function isNamed(marker: number | undefined): boolean {
  return marker !== undefined && (marker >> 4 === 8 || marker === 0xde || marker === 0xdf)
}
