/** Puts and gets of single chunks with their limits and metrics: what uploads and downloads stand on. */
import { type Clock, codeOf, Semaphore } from '../base/index.ts'
import type { ChunkAddress } from '../protocol/index.ts'
import { type GetDeps, type GetOptions, getChunk } from './get.ts'
import type { ClientMetrics } from './metrics.ts'
import { type PutChunkResult, type PutDeps, type PutOptions, putChunk } from './put.ts'

export interface ChunksOptions extends PutOptions, GetOptions {
  readonly storeConcurrency: number
  readonly fetchConcurrency: number
}

/** Callers waiting for their turn; an upload admits fewer because of its byte budget. */
const MAX_WAITING = 100_000

export class Chunks {
  readonly #deps: PutDeps & GetDeps & { readonly clock: Clock; readonly metrics: ClientMetrics }
  readonly #options: ChunksOptions
  readonly #puts: Semaphore
  readonly #gets: Semaphore

  constructor(deps: PutDeps & GetDeps & { readonly metrics: ClientMetrics }, options: ChunksOptions) {
    this.#deps = deps
    this.#options = options
    this.#puts = new Semaphore(options.storeConcurrency, MAX_WAITING)
    this.#gets = new Semaphore(options.fetchConcurrency, MAX_WAITING)
  }

  put(content: Uint8Array, { signal }: { signal: AbortSignal }): Promise<PutChunkResult> {
    const { metrics } = this.#deps
    return this.#puts.run(signal, async () => {
      const result = await this.#measured('puts', 'putSeconds', () =>
        putChunk(this.#deps, this.#options, content, { signal }),
      )
      metrics.puts.add(1, { outcome: result.stored })
      metrics.uploadedBytes.add(content.length)
      return result
    })
  }

  get(address: ChunkAddress, { signal }: { signal: AbortSignal }): Promise<Uint8Array> {
    const { metrics } = this.#deps
    return this.#gets.run(signal, async () => {
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
