/** A data map back to the file, whole or in part (self-encryption.md 17). Only chunks that overlap are fetched. */
import { assert, type Bytes, concat } from '../base/index.ts'
import { reclaim } from '../compute/index.ts'
import { checkIndexes, type DataMap, layoutOf, type PlacedEntry } from './data-map.ts'
import { fetchAndOpen, mapAhead, readingOf } from './fetch-open.ts'
import { type ResolveOptions, resolveRootMap } from './resolve.ts'

/**
 * The whole file, one chunk at a time, in order; the next ones are fetched while the reader works. A map that fails the
 * index check throws here, before any fetch. Later: MISSING_CHUNK and ALTERED_CHUNK name the address; nothing that was
 * not verified is given out. A reader that stops early ends the fetches.
 */
export function decryptStream(dataMap: DataMap, options: ResolveOptions): AsyncGenerator<Bytes, void, undefined> {
  return streamRange(dataMap, 0, Number.MAX_SAFE_INTEGER, options)
}

/** Bytes `start` to `start + length`, cut to the file; nothing beyond its end, and no fetch for it. */
export function streamRange(
  dataMap: DataMap,
  start: number,
  length: number,
  options: ResolveOptions,
): AsyncGenerator<Bytes, void, undefined> {
  assert(Number.isSafeInteger(start) && start >= 0, `a range cannot start at ${start}`)
  assert(Number.isSafeInteger(length) && length >= 0, `a range cannot have ${length} bytes`)
  checkIndexes(dataMap)
  return stream(dataMap, start, Math.min(start + length, Number.MAX_SAFE_INTEGER), options)
}

/** The same in one piece. */
export async function readRange(
  dataMap: DataMap,
  start: number,
  length: number,
  options: ResolveOptions,
): Promise<Bytes> {
  const parts: Bytes[] = []
  const keep = { ...options, reclaim: false }
  for await (const part of streamRange(dataMap, start, length, keep)) parts.push(part)
  return parts.length === 1 ? (parts[0] as Bytes) : concat(parts)
}

async function* stream(
  dataMap: DataMap,
  start: number,
  end: number,
  options: ResolveOptions,
): AsyncGenerator<Bytes, void, undefined> {
  if (start >= end) return
  const reading = readingOf(options)
  const layout = layoutOf(await resolveRootMap(dataMap, options), reading.limits.maxChunkBytes)
  const wanted = layout.entries.filter(({ offset, size }) => offset < end && offset + size > start)
  const open = async (entry: PlacedEntry, signal: AbortSignal) => {
    const plain = await fetchAndOpen(layout, entry, layout.level, reading, signal)
    const [from, to] = [Math.max(0, start - entry.offset), Math.min(entry.size, end - entry.offset)]
    if (from === 0 && to === plain.length) return plain
    const part = plain.slice(from, to)
    reclaim(plain)
    return part
  }
  for await (const part of mapAhead(wanted, reading.limits, reading.signal, open)) {
    yield part
    if (options.reclaim) reclaim(part)
  }
}
