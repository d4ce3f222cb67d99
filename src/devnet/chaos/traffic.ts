/** A client that uploads and reads without a pause, and remembers what it was promised. */
import {
  type Clock,
  DeadlineExceeded,
  equal,
  messageOf,
  type Random,
  randomBelow,
  seededRandom,
  withDeadline,
} from '../../base/index.ts'
import type { Client } from '../../client/index.ts'

export interface TrafficOptions {
  readonly seed: number
  /** Content of all uploads together; then only reads go on. */
  readonly maxBytes: number
  readonly maxUploads: number
  readonly pauseMs: number
}

export const TRAFFIC_DEFAULTS = Object.freeze({
  maxBytes: 256 * 1024 * 1024, // seven copies of it lie on the disk
  maxUploads: 1000,
  pauseMs: 200,
})

const LEAST_BYTES = 3
const MOST_BYTES = 9 * 1024 * 1024
/** What takes longer is a hang: the client gives up by itself long before. */
const CALL_LIMIT_MS = 180_000
/** Worth a line. */
const SLOW_MS = 5_000
const READERS = 2
const MOST_FAILURES_KEPT = 20

export interface Upload {
  readonly seed: number
  readonly bytes: number
  readonly address: string
  /** Its chunks, and that of its map. */
  readonly chunks: readonly string[]
}

export interface TrafficEvents {
  readonly confirmed: (upload: Upload) => void
  /** Something took its time, or failed. */
  readonly remark: (sentence: string) => void
}

export interface ReadOutcome {
  readonly kind: 'same' | 'wrong' | 'failed'
  readonly ms: number
  readonly why?: string
}

export class Traffic {
  readonly confirmed: Upload[] = []
  readonly #clock: Clock
  readonly #options: TrafficOptions
  readonly #events: TrafficEvents
  readonly refusals: string[] = []
  readonly failures: string[] = []
  refused = 0
  reads = 0
  failedReads = 0
  wrongReads = 0
  hangs = 0
  bytes = 0
  worstReadMs = 0
  worstUploadMs = 0
  #tried = 0

  constructor(clock: Clock, options: TrafficOptions, events: TrafficEvents) {
    this.#clock = clock
    this.#options = options
    this.#events = events
  }

  /** Until the signal; resolves then. */
  async run(client: Client, signal: AbortSignal): Promise<void> {
    const readers = Array.from({ length: READERS }, (_, i) => this.#readOn(client, signal, i))
    await Promise.all([this.#uploadOn(client, signal), ...readers])
  }

  async #uploadOn(client: Client, signal: AbortSignal): Promise<void> {
    const { maxBytes, maxUploads } = this.#options
    while (!signal.aborted && this.bytes < maxBytes && this.#tried < maxUploads) {
      await this.upload(client, signal)
      await this.#pause(signal)
    }
  }

  async #readOn(client: Client, signal: AbortSignal, reader: number): Promise<void> {
    const random = seededRandom(this.#options.seed + 1 + reader)
    while (!signal.aborted) {
      const upload = this.confirmed[randomBelow(random, this.confirmed.length)]
      if (upload) {
        const outcome = await this.read(client, upload, signal)
        if (!signal.aborted) this.#count(upload, outcome)
      }
      await this.#pause(signal)
    }
  }

  async upload(client: Client, signal: AbortSignal): Promise<void> {
    const seed = (this.#options.seed + 1000 * ++this.#tried) >>> 0
    const bytes = sizeOf(seededRandom(seed))
    const content = contentOf({ seed, bytes })
    const source = {
      size: bytes,
      read: async (offset: number, length: number) => content.slice(offset, offset + length),
    }
    const began = this.#clock.monotonic()
    try {
      const done = await this.#limited('an upload', signal, (inner) =>
        client.uploadFile(source, { public: true, signal: inner }),
      )
      const upload = { seed, bytes, address: done.address as string, chunks: done.addresses }
      const ms = this.#clock.monotonic() - began
      this.bytes += bytes
      this.worstUploadMs = Math.max(this.worstUploadMs, ms)
      this.confirmed.push(upload)
      this.#events.confirmed(upload)
      if (ms >= SLOW_MS) this.#events.remark(`an upload of ${bytes} bytes took ${seconds(ms)}`)
    } catch (error) {
      if (signal.aborted) return
      this.refused++
      this.#events.remark(`an upload of ${bytes} bytes was refused: ${messageOf(error)}`)
      if (this.refusals.length < MOST_FAILURES_KEPT) this.refusals.push(messageOf(error))
    }
  }

  /** Every byte of an upload, compared with what was sent. */
  async read(client: Client, upload: Upload, signal: AbortSignal): Promise<ReadOutcome> {
    const began = this.#clock.monotonic()
    const took = () => this.#clock.monotonic() - began
    try {
      const found = await this.#limited('a read', signal, (inner) =>
        client.readRange(upload.address, 0, upload.bytes, { signal: inner }),
      )
      const ms = took()
      return equal(found, contentOf(upload)) ? { kind: 'same', ms } : { kind: 'wrong', ms, why: 'other bytes' }
    } catch (error) {
      return { kind: 'failed', ms: took(), why: messageOf(error) }
    }
  }

  #count(upload: Upload, { kind, ms, why }: ReadOutcome): void {
    this.reads++
    this.worstReadMs = Math.max(this.worstReadMs, ms)
    if (kind === 'same') {
      if (ms >= SLOW_MS) this.#events.remark(`a read of ${upload.bytes} bytes took ${seconds(ms)}`)
      return
    }
    this.#events.remark(`a read of ${upload.bytes} bytes ended after ${seconds(ms)}: ${why}`)
    if (kind === 'wrong') this.wrongReads++
    else this.failedReads++
    if (this.failures.length < MOST_FAILURES_KEPT) this.failures.push(`${upload.address.slice(0, 8)}: ${why}`)
  }

  async #limited<T>(what: string, signal: AbortSignal, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    try {
      return await withDeadline(this.#clock, CALL_LIMIT_MS, signal, what, work)
    } catch (error) {
      if (error instanceof DeadlineExceeded && !signal.aborted) this.hangs++
      throw error
    }
  }

  async #pause(signal: AbortSignal): Promise<void> {
    await this.#clock.sleep(this.#options.pauseMs, signal).catch(() => undefined)
  }
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`
}

/** As many small ones as large ones, by orders of magnitude. */
function sizeOf(random: Random): number {
  return Math.floor(LEAST_BYTES * (MOST_BYTES / LEAST_BYTES) ** random.float())
}

/** The same bytes for the same seed; made anew instead of kept. */
function contentOf({ seed, bytes }: { seed: number; bytes: number }): Uint8Array {
  return seededRandom(seed ^ 0x5eed).bytes(bytes)
}
