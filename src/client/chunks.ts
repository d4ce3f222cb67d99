/** Puts and gets of single chunks with their limits and metrics: what uploads and downloads stand on. */
import { type Clock, codeOf } from '../base/index.ts'
import { type ChunkAddress, MAX_CHUNK_BYTES } from '../protocol/index.ts'
import { type GetDeps, type GetOptions, getChunk } from './get.ts'
import type { ClientMetrics } from './metrics.ts'
import { ByteBudget } from './pipeline.ts'
import { type PutChunkResult, type PutDeps, type PutOptions, putChunk } from './put.ts'

export interface ChunksOptions extends PutOptions, GetOptions {
  readonly storeConcurrency: number
  readonly storeBudgetBytes: number
  readonly fetchConcurrency: number
  readonly fetchBudgetBytes: number
}

/** Callers waiting for their turn; an upload admits fewer because of its byte budget. */
const MAX_WAITING = 100_000

export class Chunks {
  readonly #deps: PutDeps & GetDeps & { readonly clock: Clock; readonly metrics: ClientMetrics }
  readonly #options: ChunksOptions
  readonly #puts: ByteBudget
  readonly #gets: ByteBudget

  constructor(deps: PutDeps & GetDeps & { readonly metrics: ClientMetrics }, options: ChunksOptions) {
    this.#deps = deps
    this.#options = options
    const { storeConcurrency, storeBudgetBytes, fetchConcurrency, fetchBudgetBytes } = options
    const maxWaiting = MAX_WAITING
    this.#puts = new ByteBudget(storeBudgetBytes, { maxHolders: storeConcurrency, maxWaiting })
    this.#gets = new ByteBudget(fetchBudgetBytes, { maxHolders: fetchConcurrency, maxWaiting })
  }

  put(content: Uint8Array, { signal }: { signal: AbortSignal }): Promise<PutChunkResult> {
    const { metrics } = this.#deps
    return within(this.#puts, content.length, signal, async () => {
      const result = await this.#measured('puts', 'putSeconds', () =>
        putChunk(this.#deps, this.#options, content, { signal }),
      )
      metrics.puts.add(1, { outcome: result.stored })
      metrics.uploadedBytes.add(content.length)
      return result
    })
  }

  /** `sizeBytes`: about how large the chunk is; as large as any when nobody knows. */
  get(
    address: ChunkAddress,
    { signal, sizeBytes = MAX_CHUNK_BYTES }: { signal: AbortSignal; sizeBytes?: number },
  ): Promise<Uint8Array> {
    const { metrics } = this.#deps
    return within(this.#gets, sizeBytes, signal, async () => {
      const content = await this.#measured('gets', 'getSeconds', () =>
        getChunk(this.#deps, this.#options, address, { signal }),
      )
      metrics.gets.add(1, { outcome: 'found' })
      metrics.downloadedBytes.add(content.length)
      return content
    })
  }

  async #measured<T>(count: 'puts' | 'gets', time: 'putSeconds' | 'getSeconds', work: () => Promise<T>): Promise<T> {
    const { clock, metrics } = this.#deps
    const started = clock.monotonic()
    try {
      return await work()
    } catch (error) {
      metrics[count].add(1, { outcome: codeOf(error) ?? 'error' })
      throw error
    } finally {
      metrics[time].observe((clock.monotonic() - started) / 1000)
    }
  }
}

async function within<T>(budget: ByteBudget, bytes: number, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
  const release = await budget.acquire(bytes, signal)
  try {
    return await work()
  } finally {
    release()
  }
}
