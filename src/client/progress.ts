/** What a long call reports while it works. Counts never fall within a phase. */
export type ProgressPhase = 'scanning' | 'storing' | 'resolving' | 'downloading'

export interface Progress {
  readonly phase: ProgressPhase
  /** Chunks finished (entries while scanning). */
  readonly done: number
  /** Chunks known so far; undefined while unknown. */
  readonly total: number | undefined
  /** Plain bytes read (upload) or written (download). */
  readonly bytes: number
  readonly totalBytes: number | undefined
}

export type OnProgress = (progress: Progress) => void

/** Counts what a download has brought. */
export class Tally {
  readonly #onProgress: OnProgress | undefined
  #done = 0
  #total = 0
  #bytes = 0
  #totalBytes = 0

  constructor(onProgress: OnProgress | undefined) {
    this.#onProgress = onProgress
  }

  get done(): number {
    return this.#done
  }

  expect(chunks: number, bytes: number): void {
    this.#total += chunks
    this.#totalBytes += bytes
  }

  advance(chunks: number, bytes: number): void {
    this.#done += chunks
    this.#bytes += bytes
    this.#onProgress?.({
      phase: 'downloading',
      done: this.#done,
      total: this.#total,
      bytes: this.#bytes,
      totalBytes: this.#totalBytes,
    })
  }
}
