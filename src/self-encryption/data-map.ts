/** The data map: which chunks make a file, or another map (self-encryption.md 8). Pure. */
import type { Bytes } from '../base/index.ts'
import type { SealKeys } from '../crypto/index.ts'
import type { ChunkAddress } from '../protocol/index.ts'
import { MIN_CHUNKS } from './constants.ts'
import { SelfEncryptionError } from './errors.ts'
import { neighbours } from './plan.ts'

/** Unsigned 64-bit as it was read: a number where it is exact, else a bigint. What we write are numbers. */
export type U64 = number | bigint

export interface DataMapEntry {
  readonly index: U64
  /** BLAKE3 of the encrypted chunk. */
  readonly address: ChunkAddress
  /** BLAKE3 of the plain chunk, 32 bytes. */
  readonly source: Bytes
  /** Plain bytes. */
  readonly size: U64
}

export interface DataMap {
  readonly entries: readonly DataMapEntry[]
  /** null: the root map, of the file's own chunks. k: its chunks hold another map, sealed at level k. */
  readonly child: U64 | null
}

/** An entry of a map that passed the checks: exact numbers, and where its bytes start. */
export interface PlacedEntry extends DataMapEntry {
  readonly index: number
  readonly size: number
  readonly offset: number
}

/** A map that can be read from: entries by index, sizes within the limits. */
export interface Layout {
  readonly entries: readonly PlacedEntry[]
  readonly size: number
  /** Level at which its chunks are sealed: 0 for a root map. */
  readonly level: number
}

const U64_MAX = 2n ** 64n - 1n

export function toU64(value: bigint): U64 {
  return value <= Number.MAX_SAFE_INTEGER ? Number(value) : value
}

/** The index check: entries sorted, exactly 0..n-1, and the sum of their sizes, which fits in u64. Throws. */
export function checkIndexes(map: DataMap): { readonly entries: readonly DataMapEntry[]; readonly size: bigint } {
  const entries = map.entries.toSorted((a, b) => (a.index < b.index ? -1 : a.index > b.index ? 1 : 0))
  let size = 0n
  for (const [position, { index, size: bytes }] of entries.entries()) {
    if (index !== position) {
      const message = `the indexes of a data map must be 0 to n-1: found ${index} at position ${position}`
      throw new SelfEncryptionError('SELF_ENCRYPTION_MAP_INDEX', message, { data: { position } })
    }
    size += BigInt(bytes)
  }
  if (size > U64_MAX) {
    throw new SelfEncryptionError(
      'SELF_ENCRYPTION_MAP_OVERFLOW',
      'the sizes in a data map add up to more than 2^64 - 1',
    )
  }
  return { entries, size }
}

/** All that must hold before the first chunk of a map is fetched. `maxChunkBytes`: as in the plan. */
export function layoutOf(map: DataMap, maxChunkBytes: number): Layout {
  const { entries, size } = checkIndexes(map)
  if (entries.length < MIN_CHUNKS) {
    const message = `a data map of ${entries.length} chunks gives no keys: at least ${MIN_CHUNKS} are needed`
    throw new SelfEncryptionError('SELF_ENCRYPTION_TOO_FEW_CHUNKS', message, { data: { count: entries.length } })
  }
  const placed: PlacedEntry[] = []
  let offset = 0
  for (const [index, entry] of entries.entries()) {
    if (entry.size > maxChunkBytes + 1) {
      const message = `chunk ${index} of a data map declares ${entry.size} bytes: the most is ${maxChunkBytes + 1}`
      throw new SelfEncryptionError('SELF_ENCRYPTION_MAP_LIMIT', message, { data: { index } })
    }
    placed.push({ ...entry, index, size: Number(entry.size), offset })
    offset += Number(entry.size)
  }
  return { entries: placed, size: Number(size), level: levelOf(map) }
}

/** Level at which a map's chunks are sealed, as a number. */
export function levelOf({ child }: DataMap): number {
  if (child !== null && child > Number.MAX_SAFE_INTEGER) {
    throw new SelfEncryptionError('SELF_ENCRYPTION_MAP_LEVEL', `a data map of level ${child} cannot exist`)
  }
  return Number(child ?? 0)
}

/** What the key of chunk `index` is made of. Throws for fewer than three sources and for an index beyond them. */
export function sealKeys(sources: readonly Bytes[], index: number, level: number): SealKeys {
  return keysFrom(sources.length, (i) => sources[i] as Bytes, index, level)
}

/** The same from the entries of a map, which stand in the order of their indexes. */
export function entryKeys(entries: readonly DataMapEntry[], index: number, level: number): SealKeys {
  return keysFrom(entries.length, (i) => (entries[i] as DataMapEntry).source, index, level)
}

function keysFrom(count: number, sourceOf: (index: number) => Bytes, index: number, level: number): SealKeys {
  const [n1, n2] = neighbours(index, count)
  return { source: sourceOf(index), neighbour1: sourceOf(n1), neighbour2: sourceOf(n2), index, level }
}

/** Plain bytes of the file of a root map. Throws when the map fails the index check or the file exceeds 2^53 - 1. */
export function dataMapSize(rootMap: DataMap): number {
  const { size } = checkIndexes(rootMap)
  if (size > Number.MAX_SAFE_INTEGER) {
    throw new SelfEncryptionError('SELF_ENCRYPTION_TOO_LARGE', `a file of ${size} bytes: the most is 2^53 - 1`)
  }
  return Number(size)
}
