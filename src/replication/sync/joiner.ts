/** Brings a node that joins up to date (replication.md 12): asks its closest, waits until what they hinted is dealt with. */
import type { PeerId } from '../../protocol/index.ts'
import type { Parts } from '../parts.ts'
import type { HintPipeline } from '../verify/hint-pipeline.ts'
import type { BootstrapDrain } from './bootstrap-drain.ts'
import type { HintExchange } from './hint-exchange.ts'

export interface JoinerDeps {
  readonly parts: Parts
  readonly drain: BootstrapDrain
  readonly pipeline: HintPipeline
  readonly exchange: HintExchange
  nearest(): readonly PeerId[]
  /** The table is what it will be; nobody has been asked yet. */
  joined(signal: AbortSignal): Promise<void>
  /** The first questions are over: verification may begin. */
  asked(): void
  drained(): void
}

export class Joiner {
  readonly #deps: JoinerDeps

  constructor(deps: JoinerDeps) {
    this.#deps = deps
  }

  async run(signal: AbortSignal): Promise<void> {
    const { parts, drain, pipeline, nearest, joined, asked, drained } = this.#deps
    const { clock, options } = parts
    while (!drain.mayBegin(clock.monotonic())) await clock.sleep(options.drainPollMs / 5, signal)
    await joined(signal)
    drain.begin(nearest(), clock.monotonic())
    for (let batch = drain.nextBatch(); batch.length > 0; batch = drain.nextBatch()) {
      await Promise.all(batch.map((peer) => this.#ask(peer, signal)))
    }
    asked()
    const facts = {
      has: pipeline.has.bind(pipeline),
      capacityRejected: (peer: PeerId) => pipeline.pending.capacityRejected(peer),
    }
    while (!drain.check(facts, clock.monotonic())) await clock.sleep(options.drainPollMs, signal)
    drained()
  }

  async #ask(peer: PeerId, signal: AbortSignal): Promise<void> {
    const { drain, exchange } = this.#deps
    drain.synced(peer, (await exchange.ask(peer, signal)) ?? [])
  }
}
