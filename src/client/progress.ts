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
