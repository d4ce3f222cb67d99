/** Verifies hinted keys round by round (replication.md 9): asks, counts, decides, hands over to the fetcher. */
import { Alarm, withPauses } from '../../base/index.ts'
import { short } from '../../protocol/index.ts'
import { type Parts, report } from '../parts.ts'
import type { VerificationGate } from '../traffic/verification-gate.ts'
import type { HintPipeline } from './hint-pipeline.ts'
import { type KeyResult, type RoundHooks, VerificationRound } from './verification-round.ts'

/** Results worked off in one go: some 2 ms. */
const SLICE = 256

export interface KeyVerifierDeps {
  readonly parts: Parts
  readonly pipeline: HintPipeline
  readonly gate: VerificationGate
  readonly credited: RoundHooks['credited']
  /** The first questions of a node that joins are on their way (12.2). */
  waits(): boolean
  /** Something is to be fetched. */
  verified(): void
}

export class KeyVerifier {
  readonly #deps: KeyVerifierDeps
  readonly #alarm = new Alarm()
  constructor(deps: KeyVerifierDeps) {
    this.#deps = deps
  }

  wake(): void {
    this.#alarm.ring()
  }

  async run(signal: AbortSignal): Promise<void> {
    const { parts, pipeline, waits } = this.#deps
    const { clock, options } = parts
    for (;;) {
      await this.#alarm.until(clock, pipeline.pending.nextAt, signal)
      // Hints of one moment, from several neighbours, make one round.
      await clock.sleep(options.verificationPollMs, signal)
      if (!waits()) await this.#round(signal)
    }
  }

  /** Ends when every key has its result; peers that still owe an answer are not asked again before it came. */
  async #round(signal: AbortSignal): Promise<void> {
    const { parts, pipeline, credited, gate } = this.#deps
    const { clock, dht, holdings, options } = parts
    const breathe = () => holdings.pause(signal)
    await holdings.look()
    const keys = await withPauses(pipeline.startRound(holdings, clock.monotonic()), breathe)
    if (keys.length === 0) return
    const hooks: RoundHooks = {
      credited,
      askable: (peer) => !dht.suspected(peer),
      busy: (peer) => gate.busy(peer),
      paid: (key) => holdings.paid(key),
    }
    const settling = new Settling(this.#deps, signal)
    try {
      const round = await withPauses(VerificationRound.over(keys, holdings.view, options, hooks), breathe)
      await this.#ask(round, settling, signal)
      const { results, failures } = round.end()
      settling.add(results)
      await settling.done()
      // Who joins hears at first only the neighbours that know it already: that others are silent says nothing.
      if (!parts.bootstrapping()) for (const peer of failures) report(parts, peer, 'wrongHint')
    } catch (error) {
      pipeline.abandonRound(
        keys.map(({ key }) => key),
        clock.monotonic(),
      )
      throw error
    }
  }

  #ask(round: VerificationRound, settling: Settling, signal: AbortSignal): Promise<void> {
    const { clock, holdings, options, tasks } = this.#deps.parts
    return new Promise((resolve, reject) => {
      let widened = false
      const widen = () => {
        if (widened) return
        widened = true
        tasks.spawn('verification', async (inner) => {
          await withPauses(round.widen(), () => holdings.pause(inner))
          proceed()
        })
      }
      const hurry = () => {
        round.hurry()
        proceed()
      }
      const timers = [clock.timer(options.roundWidenMs, widen), clock.timer(options.roundHurryMs, hurry)]
      let ended = false
      const end = (settle: () => void) => {
        ended = true
        unsubscribe()
        for (const timer of timers) timer.cancel()
        signal.removeEventListener('abort', over)
        settle()
      }
      const over = () => end(() => reject(signal.reason))
      const proceed = () => {
        // Late answers come when the next round is under way.
        if (ended) return
        settling.add(round.takeSettled())
        if (round.allSettled) return end(resolve)
        for (let question = round.next(); question; question = round.next()) {
          const asked = question
          tasks.spawn('verification', async (inner) => {
            const results = await this.#deps.gate.ask(asked, {
              timeoutMs: options.verificationTimeoutMs,
              signal: inner,
            })
            await withPauses(round.answered(asked.peer, results), () => holdings.pause(inner))
            proceed()
          })
        }
        if (round.exhausted) widen()
      }
      const unsubscribe = this.#deps.gate.onFreed(proceed)
      signal.addEventListener('abort', over, { once: true })
      proceed()
    })
  }
}

/** Works off results as they come, in slices: thousands may be settled by one answer. */
class Settling {
  readonly #deps: KeyVerifierDeps
  readonly #signal: AbortSignal
  #waiting: KeyResult[] = []
  #working: Promise<void> | undefined

  constructor(deps: KeyVerifierDeps, signal: AbortSignal) {
    this.#deps = deps
    this.#signal = signal
  }

  add(results: readonly KeyResult[]): void {
    for (const result of results) this.#waiting.push(result)
    if (this.#waiting.length === 0 || this.#working) return
    // The first slice at once: most rounds are small.
    this.#slice()
    if (this.#waiting.length === 0) return
    this.#working = this.#work().finally(() => {
      this.#working = undefined
    })
    // Whoever waits for the end hears of it.
    this.#working.catch(() => undefined)
  }

  /** Rejects with the signal's reason. */
  async done(): Promise<void> {
    await this.#working
  }

  async #work(): Promise<void> {
    while (this.#waiting.length > 0) {
      await this.#deps.parts.holdings.pause(this.#signal)
      await this.#slice()
    }
  }

  /** Resolves when what was learnt is on disk: the paid list has a limit for what waits. */
  #slice(): Promise<unknown> {
    const { parts, pipeline, verified } = this.#deps
    const { clock, holdings, log, metrics } = parts
    const learnt: Promise<void>[] = []
    let toFetch = false
    for (const result of this.#waiting.splice(0, SLICE)) {
      const decided = pipeline.decided(result, holdings, clock.monotonic())
      metrics.verified.add(1, { result: result.result })
      if (decided.learnPaid) learnt.push(holdings.learnPaid(result.key, true))
      if (decided.lost) log.warn('a paid chunk has no holder that we know', { key: short(result.key) })
      toFetch ||= decided.next === 'fetch'
    }
    if (toFetch) verified()
    return Promise.all(learnt)
  }
}
