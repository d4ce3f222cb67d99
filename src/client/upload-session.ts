/**
 * One upload, of a file or of a whole directory: chunks go in, are stored side by side within a byte budget, each
 * address once. A failed chunk does not stop the others; the end tells how many failed (client.md 8).
 */
import { messageOf } from '../base/index.ts'
import { reclaim } from '../compute/index.ts'
import type { ChunkAddress } from '../protocol/index.ts'
import type { Chunks } from './chunks.ts'
import { type ClientError, clientError } from './errors.ts'
import { ByteBudget } from './pipeline.ts'
import type { OnProgress } from './progress.ts'
import type { PutChunkResult } from './put.ts'

export interface UploadSessionOptions {
  readonly uploadBudgetBytes: number
  readonly failuresInARow: number
}

export interface UploadCounts {
  /** Distinct chunks, all stored. */
  readonly chunks: number
  /** Those that the network did not have before. */
  readonly chunksStored: number
  /** Sorted. */
  readonly addresses: readonly ChunkAddress[]
}

export class UploadSession {
  readonly #chunks: Pick<Chunks, 'put'>
  readonly #options: UploadSessionOptions
  readonly #signal: AbortSignal
  readonly #onProgress: OnProgress | undefined
  readonly #budget: ByteBudget
  readonly #seen = new Set<ChunkAddress>()
  readonly #running = new Set<Promise<void>>()
  #done = 0
  #new = 0
  #failed = 0
  #failuresInARow = 0
  #firstFailure: unknown
  #total = 0
  #bytes = 0
  #totalBytes = 0

  constructor(
    chunks: Pick<Chunks, 'put'>,
    options: UploadSessionOptions,
    signal: AbortSignal,
    onProgress: OnProgress | undefined,
  ) {
    this.#chunks = chunks
    this.#options = options
    this.#signal = signal
    this.#onProgress = onProgress
    this.#budget = new ByteBudget(options.uploadBudgetBytes)
  }

  /** Encrypted bytes held at the moment. */
  get heldBytes(): number {
    return this.#budget.used
  }

  /** Announces work for the progress reports. */
  expect(chunks: number, bytes: number): void {
    this.#total += chunks
    this.#totalBytes += bytes
  }

  /** Corrects an announcement, for chunks that turn out to be the same. */
  #announceLess(): void {
    this.#total--
  }

  /**
   * Resolves when the chunk is admitted, not when it is stored; `content` is moved here, its memory is given back once
   * it is stored. `plainBytes` counts for the progress. Throws CLIENT_PARTIAL_UPLOAD when too many failed in a row, or the signal's reason.
   */
  async add(address: ChunkAddress, content: Uint8Array, plainBytes: number): Promise<void> {
    if (this.#seen.has(address)) {
      this.#announceLess()
      this.#advance(0, plainBytes)
      return
    }
    this.#seen.add(address)
    const release = await this.#budget.acquire(content.length, this.#signal)
    if (this.#failuresInARow >= this.#options.failuresInARow) {
      release()
      throw this.#partial()
    }
    const run = this.#store(content, plainBytes).finally(() => {
      release()
      this.#running.delete(run)
    })
    this.#running.add(run)
  }

  /** Waits for what is under way; never throws. */
  async settle(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running)
  }

  /** Waits for every chunk. Throws CLIENT_PARTIAL_UPLOAD when some are missing. */
  async finish(): Promise<UploadCounts> {
    await this.settle()
    this.#signal.throwIfAborted()
    if (this.#failed > 0) throw this.#partial()
    return { chunks: this.#seen.size, chunksStored: this.#new, addresses: [...this.#seen].sort() }
  }

  async #store(content: Uint8Array, plainBytes: number): Promise<void> {
    let result: PutChunkResult
    try {
      result = await this.#chunks.put(content, { signal: this.#signal })
    } catch (error) {
      if (this.#signal.aborted) return
      this.#failed++
      this.#failuresInARow++
      this.#firstFailure ??= error
      return
    }
    reclaim(content)
    this.#failuresInARow = 0
    if (result.stored === 'new') this.#new++
    this.#advance(1, plainBytes)
  }

  #advance(chunks: number, bytes: number): void {
    this.#done += chunks
    this.#bytes += bytes
    this.#onProgress?.({
      phase: 'storing',
      done: this.#done,
      total: Math.max(this.#total, this.#done),
      bytes: this.#bytes,
      totalBytes: Math.max(this.#totalBytes, this.#bytes),
    })
  }

  #partial(): ClientError {
    const total = Math.max(this.#total, this.#seen.size)
    const data = { total, stored: this.#done, failed: this.#failed, notTried: total - this.#done - this.#failed }
    const message = `only ${this.#done} of ${total} chunks could be stored: ${messageOf(this.#firstFailure)}; what is stored stays, upload again to store the rest`
    return clientError('CLIENT_PARTIAL_UPLOAD', message, data, this.#firstFailure)
  }
}
