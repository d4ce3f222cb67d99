/** Verifies hinted keys round by round (replication.md 9): asks, counts, decides, hands over to the fetcher. */
import { Alarm } from '../../base/index.ts'
import { short } from '../../protocol/index.ts'
import type { HintPipeline } from '../hint-pipeline.ts'
import { type CreditOf, type PeerQuestion, VerificationRound } from '../verification-round.ts'
import { blame, type Parts } from './parts.ts'

export interface VerifierDeps {
  readonly parts: Parts
  readonly pipeline: HintPipeline
  readonly credited: CreditOf
  /** The first questions of a node that joins are on their way (12.2). */
  waits(): boolean
  /** Something is to be fetched. */
  verified(): void
}

export class Verifier {
  readonly #deps: VerifierDeps
  readonly #alarm = new Alarm()

  constructor(deps: VerifierDeps) {
    this.#deps = deps
  }

  wake(): void {
    this.#alarm.ring()
  }

  async run(signal: AbortSignal): Promise<void> {
    const { parts, pipeline, waits } = this.#deps
    const { clock, options } = parts
    for (;;) {
      await this.#alarm.until(clock, pipeline.pending.nextDueAt, signal)
      // Hints of one moment, from several neighbours, make one round.
      await clock.sleep(options.verificationPollMs, signal)
      if (!waits()) await this.#round(signal)
    }
  }

  async #round(signal: AbortSignal): Promise<void> {
    const { parts, pipeline, credited, verified } = this.#deps
    const { clock, holdings, log, metrics, options } = parts
    await holdings.look()
    const keys = pipeline.startRound(holdings, clock.monotonic())
    if (keys.length === 0) return
    const round = new VerificationRound(keys, holdings.view, options, credited)
    try {
      await this.#ask(round, signal)
    } catch (error) {
      pipeline.abandonRound(
        keys.map(({ key }) => key),
        clock.monotonic(),
      )
      throw error
    }
    const { results, failures } = round.end()
    let toFetch = false
    for (const result of results) {
      const decided = pipeline.decided(result, holdings, clock.monotonic())
      metrics.verified.add(1, { result: result.result })
      if (decided.learnPaid) void holdings.learnPaid(result.key)
      if (decided.lost) log.warn('a paid chunk has no holder that we know', { key: short(result.key) })
      toFetch ||= decided.next === 'fetch'
    }
    for (const peer of failures) blame(parts, peer, 'a hint that nobody confirms')
    if (toFetch) verified()
  }

  /** Ends with the last answer, or as soon as everything is confirmed: a silent peer holds nobody up. */
  #ask(round: VerificationRound, signal: AbortSignal): Promise<void> {
    const { tasks } = this.#deps.parts
    return new Promise((resolve, reject) => {
      const over = () => reject(signal.reason)
      signal.addEventListener('abort', over, { once: true })
      const done = () => {
        signal.removeEventListener('abort', over)
        resolve()
      }
      const proceed = () => {
        if (round.complete || round.settled) return done()
        for (let question = round.next(); question; question = round.next()) {
          const asked = question
          tasks.spawn('verification', async (inner) => {
            round.answered(asked.peer, await this.#question(asked, inner))
            proceed()
          })
        }
      }
      proceed()
    })
  }

  async #question({ peer, keys, paidListCheckIndices }: PeerQuestion, signal: AbortSignal) {
    const { messenger, options } = this.#deps.parts
    const body = { kind: 'verificationRequest' as const, keys, paidListCheckIndices }
    const asking = { timeoutMs: options.verificationTimeoutMs, signal }
    const answer = await messenger.ask(peer, body, 'verificationResponse', asking)
    return answer.kind === 'answer' ? answer.body.results : undefined
  }
}
