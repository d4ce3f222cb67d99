/** Audits peers that were just paid (replication.md 19.2): few, in no hurry, and never before this node has caught up. */
import { FirstAudits, type LaunchStamps, type Nomination, pinOf } from '../../audit/index.ts'
import { Alarm, wallAhead } from '../../base/index.ts'
import type { PaidQuote } from '../../payment/index.ts'
import type { Parts } from '../parts.ts'
import type { SubtreeAuditor } from './subtree-auditor.ts'

export interface FirstAuditorDeps {
  readonly parts: Parts
  readonly auditor: Pick<SubtreeAuditor, 'audit'>
  /** Shared with the audits that gossip leads to. */
  readonly launches: LaunchStamps
}

export class FirstAuditor {
  readonly #deps: FirstAuditorDeps
  readonly #audits: FirstAudits
  readonly #alarm = new Alarm()

  constructor(deps: FirstAuditorDeps) {
    this.#deps = deps
    this.#audits = new FirstAudits(deps.parts.clock.monotonic(), deps.launches)
  }

  /** The quotes of one payment that let a chunk in. */
  nominate(quotes: readonly PaidQuote[]): void {
    const { clock, metrics, random, self } = this.#deps.parts
    const now = clock.monotonic()
    for (const { issuer, pin, keyCount, quotedAt } of quotes) {
      // The wall clock may jump; ages of quotes are told on the clock of everything else here.
      const nomination = { peer: issuer, pin: pinOf(pin), keyCount, quotedAt: quotedAt - wallAhead(clock) }
      const taken = issuer !== self && this.#audits.nominate(nomination, now, random)
      metrics.nominations.add(1, { outcome: taken ? 'queued' : 'ignored' })
    }
    this.#alarm.ring()
  }

  async run(signal: AbortSignal): Promise<void> {
    const { parts } = this.#deps
    const { clock, options, random, tasks } = parts
    for (;;) {
      if (parts.bootstrapping()) {
        await clock.sleep(options.drainPollMs, signal)
        continue
      }
      const next = this.#audits.next(clock.monotonic(), random)
      if (next.kind === 'launch')
        tasks.spawn('first audit', (inner) => this.#audit(next.nomination, next.delayMs, inner))
      else await this.#alarm.until(clock, next.kind === 'wait' ? clock.monotonic() + next.ms : undefined, signal)
    }
  }

  async #audit({ peer, pin, keyCount }: Nomination, delayMs: number, signal: AbortSignal): Promise<void> {
    try {
      await this.#deps.parts.clock.sleep(delayMs, signal)
      await this.#deps.auditor.audit(peer, pin, keyCount, signal)
    } finally {
      this.#audits.finished(peer)
      this.#alarm.ring()
    }
  }
}
