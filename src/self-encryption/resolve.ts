/** From the final map down to the root map (self-encryption.md 14 and 15). Every level is checked before it is fetched. */
import { type Bytes, codeOf, concat, type Logger } from '../base/index.ts'
import { bincodeSize, decodeBincode } from './bincode.ts'
import { MAX_UNSHRINK_ROUNDS, MIN_CHUNKS } from './constants.ts'
import { checkIndexes, type DataMap, type Layout, layoutOf, levelOf, type PlacedEntry } from './data-map.ts'
import { SelfEncryptionError } from './errors.ts'
import { type DecryptOptions, fetchAndOpen, mapAhead, type Reading, readingOf } from './fetch-open.ts'

export interface ResolveOptions extends DecryptOptions {
  /** Told when a file was rescued from the defect of the network's own writer. */
  readonly log?: Pick<Logger, 'warn'>
}

/** A rescued map is always larger than the limit of ordinary ones: it begins where those end. */
const RESCUE_FACTOR = 4

/**
 * The map of the file's own chunks, in index order. A root map comes back without a fetch. Throws MAP_LEVEL, MAP_DEPTH,
 * MAP_LIMIT, the errors of decoding and of the index check, and those of fetching and opening.
 */
export async function resolveRootMap(dataMap: DataMap, options: ResolveOptions): Promise<DataMap> {
  const reading = readingOf(options)
  let map = dataMap
  let above = Number.POSITIVE_INFINITY
  for (let round = 1; map.child !== null; round++) {
    const level = levelOf(map)
    refuseLevel(level, above, round)
    const next = decodeBincode(await joined(map, level, reading, reading.limits.maxMapBytes))
    map = (await rescued(next, level, reading, options.log)) ?? next
    above = level
  }
  return { entries: checkIndexes(map).entries, child: null }
}

function refuseLevel(level: number, above: number, round: number): void {
  if (level < 1 || level >= above) {
    const message = `a data map of level ${level} inside one of level ${above}: levels must fall and end at 1`
    throw new SelfEncryptionError('SELF_ENCRYPTION_MAP_LEVEL', message, { data: { level } })
  }
  if (round > MAX_UNSHRINK_ROUNDS) {
    const message = `the data map has more than ${MAX_UNSHRINK_ROUNDS} levels`
    throw new SelfEncryptionError('SELF_ENCRYPTION_MAP_DEPTH', message, { data: { limit: MAX_UNSHRINK_ROUNDS } })
  }
}

/** The content of a map's chunks, opened at `level`. */
async function joined(map: DataMap, level: number, reading: Reading, maxBytes: number): Promise<Bytes> {
  const { limits, signal } = reading
  const layout = layoutOf(map, limits.maxChunkBytes)
  if (layout.size > maxBytes) {
    const message = `a level of the data map has ${layout.size} bytes: the limit is ${maxBytes}`
    throw new SelfEncryptionError('SELF_ENCRYPTION_MAP_LIMIT', message, {
      data: { size: layout.size, limit: maxBytes },
    })
  }
  const parts: Bytes[] = []
  const open = (entry: PlacedEntry, scope: AbortSignal) => fetchAndOpen(layout, entry, level, reading, scope)
  for await (const part of mapAhead(layout.entries, limits, signal, open)) parts.push(part)
  return concat(parts)
}

/**
 * The network's writer, from 157,133 chunks on, seals the bytes of the root map in four or more pieces and shrinks the
 * map of those pieces at the same level once more. What comes out below level k is then a map without a child whose
 * chunks are sealed at level k and hold the real map. A true root map has the same shape, so the first chunk decides.
 * Only maps whose content has the length of an encoded map are tried at all.
 */
async function rescued(
  map: DataMap,
  level: number,
  reading: Reading,
  log: ResolveOptions['log'],
): Promise<DataMap | undefined> {
  if (map.child !== null || map.entries.length <= MIN_CHUNKS) return undefined
  const layout = layoutOf(map, reading.limits.maxChunkBytes)
  if (!mayBeEncodedMap(layout) || !(await firstOpensAt(level, layout, reading))) return undefined
  const content = await joined(map, level, reading, RESCUE_FACTOR * reading.limits.maxMapBytes)
  const found = decodeBincode(content)
  log?.warn('data map written with a known defect was rescued', { level, chunks: found.entries.length })
  return found
}

function mayBeEncodedMap({ size }: Layout): boolean {
  const entryBytes = bincodeSize(1, false) - bincodeSize(0, false)
  return [false, true].some((isChild) => (size - bincodeSize(0, isChild)) % entryBytes === 0)
}

/** Keys differ by level: what opens at `level` opens at no other. */
async function firstOpensAt(level: number, layout: Layout, reading: Reading): Promise<boolean> {
  try {
    await fetchAndOpen(layout, layout.entries[0] as PlacedEntry, level, reading, reading.signal)
    return true
  } catch (error) {
    if (codeOf(error) === 'SELF_ENCRYPTION_AUTHENTICATION') return false
    throw error
  }
}
