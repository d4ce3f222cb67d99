/** Has others hold what members of a close group do not: does what the table of under-replicated chunks says. */
import { Alarm } from '../../base/index.ts'
import type { ChunkAddress, PeerId } from '../../protocol/index.ts'
import type { Parts } from '../parts.ts'
import type { HintListMaker } from '../sync/hint-lists.ts'
import type { NeighborSync } from '../sync/neighbor-sync.ts'
import type { VerificationGate } from '../traffic/verification-gate.ts'
import { type ExtendAction, UnderReplicated } from './under-replicated.ts'

export interface ExtenderDeps {
  readonly parts: Parts
  readonly gate: VerificationGate
  readonly lists: Pick<HintListMaker, 'extra'>
  readonly sync: Pick<NeighborSync, 'addNews'>
  /** Somebody has news to hear. */
  newsCame(): void
}

export class Extender {
  readonly #deps: ExtenderDeps
  readonly #alarm = new Alarm()
  readonly #table: UnderReplicated

  constructor(deps: ExtenderDeps) {
    this.#deps = deps
    this.#table = new UnderReplicated(deps.parts.options)
  }

  /** The peer should hold the keys and does not. Keys that we do not hold either are for others to look after. */
  lacks(keys: readonly ChunkAddress[], peer: PeerId): void {
    const { clock, holdings } = this.#deps.parts
    for (const key of keys) if (holdings.stored(key)) this.#table.lacks(key, peer, clock.monotonic())
    this.#alarm.ring()
  }

  /** The keys may be missing where they should be. */
  doubt(keys: readonly ChunkAddress[]): void {
    const { clock, holdings } = this.#deps.parts
    for (const key of keys) if (holdings.stored(key)) this.#table.doubt(key, clock.monotonic())
    this.#alarm.ring()
  }

  /** It is not held here any more. */
  forget(key: ChunkAddress): void {
    this.#table.forget(key)
  }

  /** The peer left the view. */
  gone(peer: PeerId): void {
    this.#table.gone(peer, this.#deps.parts.clock.monotonic())
    this.#alarm.ring()
  }

  async run(signal: AbortSignal): Promise<void> {
    const { parts, gate } = this.#deps
    const { clock, dht, holdings } = parts
    gate.onFreed(() => this.#alarm.ring())
    const silent = (peer: PeerId) => dht.suspected(peer)
    const busy = (peer: PeerId) => gate.busy(peer)
    for (;;) {
      await this.#alarm.until(clock, this.#table.nextAt, signal)
      const told = new Map<PeerId, ChunkAddress[]>()
      for (const action of this.#table.step(holdings.view, clock.monotonic(), { busy, silent })) {
        if (action.kind === 'ask') this.#ask(action)
        else if (!told.get(action.peer)?.push(action.key)) told.set(action.peer, [action.key])
      }
      for (const [peer, keys] of told) this.#tell(peer, keys)
    }
  }

  #ask(question: ExtendAction & { kind: 'ask' }): void {
    const { parts, gate } = this.#deps
    parts.tasks.spawn('under-replicated', async (signal) => {
      const timeoutMs = parts.options.verificationTimeoutMs
      this.#table.answered(question.peer, await gate.ask(question, { timeoutMs, signal }))
      this.#alarm.ring()
    })
  }

  #tell(peer: PeerId, keys: readonly ChunkAddress[]): void {
    const { lists, newsCame, parts, sync } = this.#deps
    lists.extra(peer, keys)
    sync.addNews(peer, parts.clock.monotonic())
    newsCame()
    parts.metrics.extended.add(keys.length)
  }
}
