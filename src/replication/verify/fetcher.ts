/** Fetches verified keys, nearest first, a few at a time (replication.md 10). */
import { Alarm, CodedError, codeOf, messageOf, release } from '../../base/index.ts'
import { MAX_CHUNK_BYTES, short } from '../../protocol/index.ts'
import { HashedContent } from '../../storage/index.ts'
import { type Parts, report } from '../parts.ts'
import type { Fetch, FetchOutcome } from './fetch-queue.ts'
import type { HintPipeline } from './hint-pipeline.ts'

export interface FetcherDeps {
  readonly parts: Parts
  readonly pipeline: HintPipeline
  /** Keys went back to verification. */
  hinted(): void
}

export class Fetcher {
  readonly #deps: FetcherDeps
  readonly #alarm = new Alarm()
  /** Fetches that are slow and go on beside the next source's. */
  #slow = 0

  constructor(deps: FetcherDeps) {
    this.#deps = deps
  }

  wake(): void {
    this.#alarm.ring()
  }

  async run(signal: AbortSignal): Promise<void> {
    const { parts, pipeline } = this.#deps
    const { clock, holdings, tasks } = parts
    for (;;) {
      await this.#alarm.until(clock, undefined, signal)
      await holdings.look()
      for (;;) {
        const fetch = pipeline.nextFetch(holdings, clock.monotonic())
        if (!fetch) break
        tasks.spawn('fetch', (inner) => this.#one(fetch, inner))
      }
    }
  }

  async #one(fetch: Fetch, signal: AbortSignal): Promise<void> {
    const { clock, options } = this.#deps.parts
    const { pipeline } = this.#deps
    const answer = this.#fetch(fetch, signal)
    let outcome: FetchOutcome = 'timeout'
    try {
      outcome = await this.#inTime(fetch, answer)
    } finally {
      this.#settled(fetch, outcome)
    }
    if (outcome === 'slow') {
      // Its bytes are welcome when they come before those of the next source; what it lies about is not forgiven.
      this.#slow++
      try {
        if ((await answer) === 'sourceFailed') report(this.#deps.parts, fetch.source, 'fetchFailed')
      } finally {
        this.#slow--
      }
    }
    // Its place for us is free a moment after its answer has come: a request that is faster is dropped in silence.
    await clock.sleep(options.fetchRestMs, signal)
    pipeline.fetches.rested(fetch.source)
    this.wake()
  }

  /** The fetch's end, or `slow` when there is another source and this one makes us wait: a full pool says nothing. */
  async #inTime(fetch: Fetch, answer: Promise<FetchOutcome>): Promise<FetchOutcome> {
    const { clock, options } = this.#deps.parts
    const { fetches } = this.#deps.pipeline
    const late = Promise.withResolvers<FetchOutcome | undefined>()
    const timer = clock.timer(options.fetchHurryMs, () => late.resolve(undefined))
    answer.then(late.resolve, late.reject)
    const first = await late.promise
    timer.cancel()
    if (first !== undefined) return first
    return this.#slow < options.fetchParallel && fetches.hasOther(fetch.key) ? 'slow' : answer
  }

  #settled(fetch: Fetch, outcome: FetchOutcome): void {
    const { parts, pipeline, hinted } = this.#deps
    const blamed = pipeline.fetched(fetch, outcome, parts.clock.monotonic(), true)
    if (blamed) report(parts, fetch.source, 'fetchFailed')
    parts.metrics.fetches.add(1, { outcome })
    if (outcome !== 'stored') {
      parts.log.debug('fetch', { key: short(fetch.key), source: short(fetch.source), outcome })
      hinted()
    }
    this.wake()
  }

  async #fetch(fetch: Fetch, signal: AbortSignal): Promise<FetchOutcome> {
    const { key, source } = fetch
    const { messenger, options, metrics, hash, holdings } = this.#deps.parts
    const asking = { timeoutMs: options.fetchTimeoutMs, signal }
    const answer = await messenger.ask(source, { kind: 'fetchRequest', key }, 'fetchResponse', asking)
    if (answer.kind === 'silent') return 'timeout'
    if (answer.kind === 'malformed') return 'sourceFailed'
    const { result } = answer.body
    if (result.kind !== 'success') return 'sourceFailed'
    try {
      if (result.key !== key || result.data.length > MAX_CHUNK_BYTES) return 'sourceFailed'
      metrics.receivedBytes.add(result.data.length, { by: 'fetch' })
      const content = await HashedContent.of(hash, result.data)
      if (content.address !== key) return 'sourceFailed'
      if (!this.#deps.pipeline.wants(fetch, holdings)) return 'noLongerResponsible'
      return await this.#keep(key, content)
    } finally {
      release(result.data)
    }
  }

  async #keep(key: Fetch['key'], content: HashedContent): Promise<FetchOutcome> {
    const { store, log } = this.#deps.parts
    const put = async () => ((await store.put(key, content)) === 'duplicate' ? 'alreadyHeld' : 'stored')
    try {
      try {
        return await put()
      } catch (error) {
        // A file that cannot be read stands in the way: the right bytes are in hand.
        if (codeOf(error) !== 'STORAGE_IO' || !(await store.delete(key))) throw error
        return await put()
      }
    } catch (error) {
      if (!(error instanceof CodedError)) throw error
      log.warn('a fetched chunk could not be stored', { key: short(key), error: messageOf(error) })
      return 'localWriteFailed'
    }
  }
}
