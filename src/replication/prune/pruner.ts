/** Deletes what others are responsible for (replication.md 21), one pass after each sync cycle. */
import { digestKeysToAsk } from '../../audit/index.ts'
import { CodedError, messageOf, Semaphore, withPauses } from '../../base/index.ts'
import { type PeerId, short } from '../../protocol/index.ts'
import type { Challenger } from '../audits/challenger.ts'
import type { ClaimTracker } from '../audits/claim-tracker.ts'
import { type Parts, report } from '../parts.ts'
import type { VerificationGate } from '../traffic/verification-gate.ts'
import type { PaidPrune } from './prune-paid.ts'
import type { KeysAfter, RecordPrune } from './prune-records.ts'

export interface PrunerDeps {
  readonly parts: Parts
  readonly claims: ClaimTracker
  readonly challenger: Challenger
  readonly records: RecordPrune
  readonly paid: PaidPrune
  readonly gate: VerificationGate
  /** Under any commitment that may still be asked for. */
  committed(key: string): boolean
  /** Keys of the commitment that a peer showed of late. */
  committedKeys(peer: PeerId): number | undefined
}

export class Pruner {
  readonly #deps: PrunerDeps
  #running = false

  constructor(deps: PrunerDeps) {
    this.#deps = deps
  }

  /** One pass; while one runs another is not needed. */
  async pass(signal: AbortSignal): Promise<void> {
    if (this.#running) return
    this.#running = true
    try {
      await this.#records(signal)
      await this.#paid(signal)
    } finally {
      this.#running = false
    }
  }

  async #records(signal: AbortSignal): Promise<void> {
    const { parts, records, challenger, claims, committed, committedKeys } = this.#deps
    const { clock, holdings, options, store } = parts
    const facts = () => ({ view: holdings.view, now: clock.monotonic(), committed })
    const stored = holdings.index.keysAfter.bind(holdings.index)
    const breathe = () => holdings.pause(signal)
    const keysAfter: KeysAfter = (after, limit) => stored(after, 'stored', limit)
    const keysEach = (peer: PeerId) => digestKeysToAsk(store.size, committedKeys(peer) ?? Number.POSITIVE_INFINITY)
    const challenges = await withPauses(records.plan(keysAfter, keysEach, !parts.bootstrapping(), facts()), breathe)
    const permits = new Semaphore(options.pruneParallel, challenges.length)
    await Promise.all(
      challenges.map((challenge) =>
        permits.run(signal, async () =>
          records.judged(challenge, await challenger.challenge({ ...challenge, audit: 'prune' }, signal)),
        ),
      ),
    )
    const verdict = await withPauses(records.settle(facts()), breathe)
    const { deletable, failures, claims: claiming, answered } = verdict
    for (const peer of answered) claims.answered(peer)
    for (const peer of claiming)
      if (claims.claimed(peer, clock.monotonic()) === 'failure') report(parts, peer, 'bootstrapClaim')
    for (const peer of failures) report(parts, peer, 'pruneAudit')
    for (const key of deletable) {
      signal.throwIfAborted()
      if (records.mayStillGo(key, facts())) await this.#delete(key)
    }
  }

  async #delete(key: Parameters<RecordPrune['deleted']>[0]): Promise<void> {
    const { parts, records } = this.#deps
    try {
      await parts.store.delete(key)
      records.deleted(key, parts.holdings.paid(key), parts.clock.monotonic())
      parts.metrics.pruned.add()
    } catch (error) {
      if (!(error instanceof CodedError)) throw error
      parts.log.warn('a chunk that others hold could not be deleted', { key: short(key), error: messageOf(error) })
    }
  }

  async #paid(signal: AbortSignal): Promise<void> {
    const { parts, paid, gate } = this.#deps
    const { clock, holdings, options } = parts
    const keysAfter: KeysAfter = (after, limit) => holdings.index.keysAfter(after, 'paid', limit)
    const plan = paid.plan(keysAfter, !parts.bootstrapping(), holdings.view, clock.monotonic())
    const questions = await withPauses(plan, () => holdings.pause(signal))
    await Promise.all(
      questions.map(async (question) =>
        paid.answered(question.peer, await gate.ask(question, { timeoutMs: options.verificationTimeoutMs, signal })),
      ),
    )
    const gone = paid.settle(holdings.view, clock.monotonic())
    if (gone.length === 0) return
    await holdings.forgetPaid(gone)
    paid.forgotten(gone)
  }
}
