/** Chunks of one map: fetched and opened ahead of the reader, in order, bounded. */
import { Aborted, type Bytes, codeOf, messageOf, resolveOptions } from '../base/index.ts'
import type { Compute } from '../compute/index.ts'
import type { ChunkAddress } from '../protocol/index.ts'
import { openMoving } from './chunk-work.ts'
import { entryKeys, type Layout, type PlacedEntry } from './data-map.ts'
import { SelfEncryptionError } from './errors.ts'
import type { SelfEncryptionMetrics } from './metrics.ts'
import { type SelfEncryptionLimits, selfEncryptionDefaults } from './options.ts'

export interface DecryptOptions {
  /**
   * The bytes of one chunk that the map declares as `plainBytes`; they are given away and may be moved to another
   * thread. Their hash is checked here.
   */
  readonly fetchChunk: (address: ChunkAddress, signal: AbortSignal, plainBytes: number) => Promise<Uint8Array>
  readonly compute: Compute
  readonly signal: AbortSignal
  /** The memory of each part is given back when the next one is asked for: for readers that keep nothing. */
  readonly reclaim?: boolean
  /** Chunks fetched and opened ahead of the reader: 10 by default. */
  readonly batch?: number
  /** Plain bytes of those: 32 MiB by default. */
  readonly aheadBytes?: number
  readonly limits?: Partial<SelfEncryptionLimits>
  readonly metrics?: SelfEncryptionMetrics
}

/** Options with the defaults filled in. */
export interface Reading extends Omit<DecryptOptions, 'limits' | 'batch' | 'aheadBytes'> {
  readonly limits: SelfEncryptionLimits
}

export function readingOf(options: DecryptOptions): Reading {
  const { batch, aheadBytes, ...given } = options
  const limits = resolveOptions('self-encryption', selfEncryptionDefaults, {
    ...given.limits,
    ...(batch === undefined ? {} : { batch }),
    ...(aheadBytes === undefined ? {} : { aheadBytes }),
  })
  return { ...given, limits }
}

/** Fetches one chunk of a map and opens it at `level`. Throws MISSING_CHUNK, ALTERED_CHUNK and what opening throws. */
export async function fetchAndOpen(
  { entries }: Layout,
  entry: PlacedEntry,
  level: number,
  reading: Reading,
  signal: AbortSignal,
): Promise<Bytes> {
  const { compute, limits, metrics } = reading
  const content = await fetchEntry(entry, reading, signal)
  const work = { compute, signal, inlineBelowBytes: limits.inlineBelowBytes }
  try {
    const plain = await openMoving(content, entry, entryKeys(entries, entry.index, level), work)
    metrics?.openedBytes.add(plain.length)
    return plain
  } catch (error) {
    if (codeOf(error) === 'SELF_ENCRYPTION_ALTERED_CHUNK') metrics?.badChunks.add(1, { kind: 'altered' })
    throw error
  }
}

async function fetchEntry(
  { address, index, size }: PlacedEntry,
  reading: Reading,
  signal: AbortSignal,
): Promise<Uint8Array> {
  let cause: unknown
  try {
    const content: unknown = await reading.fetchChunk(address, signal, size)
    if (content instanceof Uint8Array) return content
  } catch (error) {
    signal.throwIfAborted()
    cause = error
  }
  reading.metrics?.badChunks.add(1, { kind: 'missing' })
  const why = cause === undefined ? 'nothing was fetched' : messageOf(cause)
  throw new SelfEncryptionError('SELF_ENCRYPTION_MISSING_CHUNK', `missing chunk ${address} (number ${index}): ${why}`, {
    data: { address, index },
    cause,
  })
}

/**
 * Results of `work` in the order of `items`; begun and not yet taken are at most `batch` of them and `aheadBytes`, but
 * always one. When the reader stops or one fails, the others are aborted and awaited.
 */
export async function* mapAhead<In extends { readonly size: number }, Out>(
  items: Iterable<In>,
  { batch, aheadBytes }: Pick<SelfEncryptionLimits, 'batch' | 'aheadBytes'>,
  parent: AbortSignal,
  work: (item: In, signal: AbortSignal) => Promise<Out>,
): AsyncGenerator<Out> {
  const scope = new AbortController()
  const follow = () => scope.abort(parent.reason)
  const begun: { readonly size: number; readonly result: Promise<Out> }[] = []
  let bytes = 0
  const first = () => {
    const { size, result } = begun.shift() as (typeof begun)[number]
    bytes -= size
    return result
  }
  parent.throwIfAborted()
  parent.addEventListener('abort', follow, { once: true })
  try {
    for (const item of items) {
      while (begun.length >= batch || (begun.length > 0 && bytes + item.size > aheadBytes)) yield await first()
      parent.throwIfAborted()
      const result = work(item, scope.signal)
      result.catch(() => undefined)
      begun.push({ size: item.size, result })
      bytes += item.size
    }
    while (begun.length > 0) yield await first()
  } finally {
    parent.removeEventListener('abort', follow)
    scope.abort(new Aborted('the reader stopped'))
    await Promise.allSettled(begun.map(({ result }) => result))
  }
}
