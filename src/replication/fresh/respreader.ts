/** Spreads chunks once more whose payment the neighbours of today have not heard of: the network was in two parts. */
import { Alarm, withPauses } from '../../base/index.ts'
import type { ChunkAddress } from '../../protocol/index.ts'
import type { Parts } from '../parts.ts'
import { KeptPayments } from './kept-payments.ts'

export interface RespreaderDeps {
  readonly parts: Parts
  /** As when it was stored: asks who has it and who knows of the payment, and tells the others. false: not now. */
  spread(key: ChunkAddress, proof: Uint8Array): boolean
}

export class Respreader {
  readonly #deps: RespreaderDeps
  readonly #alarm = new Alarm()
  readonly #kept: KeptPayments

  constructor(deps: RespreaderDeps) {
    this.#deps = deps
    this.#kept = new KeptPayments(deps.parts.options)
  }

  /** Paid for and stored. The proof stays. */
  keep(key: ChunkAddress, proof: Uint8Array): void {
    const { clock, holdings } = this.#deps.parts
    this.#kept.keep(key, proof, holdings.view, clock.monotonic())
  }
  forget(key: ChunkAddress): void {
    this.#kept.forget(key)
  }

  viewChanged(): void {
    if (this.#kept.size > 0) this.#alarm.ring()
  }

  async run(signal: AbortSignal): Promise<void> {
    const { parts, spread } = this.#deps
    const { clock, holdings, metrics, options } = parts
    for (;;) {
      await this.#alarm.until(clock, undefined, signal)
      // Neighbours that go or come together are seen one after another.
      await clock.sleep(options.keptPauseMs, signal)
      const unheard = this.#kept.unheard(holdings.view, clock.monotonic())
      for (const payment of await withPauses(unheard, () => holdings.pause(signal))) {
        if (!spread(payment.key, payment.proof)) this.#alarm.ring()
        else {
          this.#kept.told(payment)
          metrics.respread.add()
        }
      }
    }
  }
}
