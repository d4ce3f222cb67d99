/** Verifies hinted keys round by round (replication.md 9): asks, counts, decides, hands over to the fetcher. */
import { Alarm } from '../../base/index.ts'
import { type PeerId, short } from '../../protocol/index.ts'
import { type Parts, report } from '../parts.ts'
import type { HintPipeline } from './hint-pipeline.ts'
import { type KeyResult, type PeerQuestion, type RoundHooks, VerificationRound } from './verification-round.ts'

export interface KeyVerifierDeps {
  readonly parts: Parts
  readonly pipeline: HintPipeline
  readonly credited: RoundHooks['credited']
  /** The first questions of a node that joins are on their way (12.2). */
  waits(): boolean
  /** Something is to be fetched. */
  verified(): void
}

export class KeyVerifier {
  readonly #deps: KeyVerifierDeps
  readonly #alarm = new Alarm()
  /** Peers with a question of ours open. */
  readonly #asked = new Set<PeerId>()

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
      await this.#alarm.until(clock, pipeline.pending.nextDueAt, signal)
      // Hints of one moment, from several neighbours, make one round.
      await clock.sleep(options.verificationPollMs, signal)
      if (!waits()) await this.#round(signal)
    }
  }

  /** Ends when every key has its result; peers that still owe an answer are not asked by the next rounds. */
  async #round(signal: AbortSignal): Promise<void> {
    const { parts, pipeline, credited } = this.#deps
    const { clock, dht, holdings, options } = parts
    await holdings.look()
    const keys = pipeline.startRound(holdings, clock.monotonic())
    if (keys.length === 0) return
    const askable = (peer: PeerId) => !this.#asked.has(peer) && !dht.suspected(peer)
    const round = new VerificationRound(keys, holdings.view, options, { credited, askable })
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
    this.#settle(results)
    for (const peer of failures) report(parts, peer, 'wrongHint')
  }

  #settle(results: readonly KeyResult[]): void {
    const { parts, pipeline, verified } = this.#deps
    const { clock, holdings, log, metrics } = parts
    let toFetch = false
    for (const result of results) {
      const decided = pipeline.decided(result, holdings, clock.monotonic())
      metrics.verified.add(1, { result: result.result })
      if (decided.learnPaid) void holdings.learnPaid(result.key)
      if (decided.lost) log.warn('a paid chunk has no holder that we know', { key: short(result.key) })
      toFetch ||= decided.next === 'fetch'
    }
    if (toFetch) verified()
  }

  #ask(round: VerificationRound, signal: AbortSignal): Promise<void> {
    const { clock, options, tasks } = this.#deps.parts
    return new Promise((resolve, reject) => {
      const hurry = clock.timer(options.roundHurryMs, () => {
        round.hurry()
        proceed()
      })
      const end = (settle: () => void) => {
        hurry.cancel()
        signal.removeEventListener('abort', over)
        settle()
      }
      const over = () => end(() => reject(signal.reason))
      const proceed = () => {
        this.#settle(round.takeSettled())
        if (round.allSettled) return end(resolve)
        for (let question = round.next(); question; question = round.next()) {
          const asked = question
          tasks.spawn('verification', async (inner) => {
            round.answered(asked.peer, await this.#question(asked, inner))
            proceed()
          })
        }
      }
      signal.addEventListener('abort', over, { once: true })
      proceed()
    })
  }

  async #question({ peer, keys, paidListCheckIndices }: PeerQuestion, signal: AbortSignal) {
    const { messenger, options } = this.#deps.parts
    const body = { kind: 'verificationRequest' as const, keys, paidListCheckIndices }
    const asking = { timeoutMs: options.verificationTimeoutMs, signal }
    this.#asked.add(peer)
    try {
      const answer = await messenger.ask(peer, body, 'verificationResponse', asking)
      return answer.kind === 'answer' ? answer.body.results : undefined
    } finally {
      this.#asked.delete(peer)
    }
  }
}
