/**
 * Repair by difference (replication.md 30.3 nr 2): when the view changes, the keys whose close group gained a member are
 * found, and that member is told of exactly these. Changes of one moment are worked off together.
 */
import { Alarm } from '../../base/index.ts'
import type { PeerId } from '../../protocol/index.ts'
import type { Parts } from '../parts.ts'
import type { OwnView } from '../view/own-view.ts'
import type { HintListMaker } from './hint-lists.ts'
import type { NeighborSync } from './neighbor-sync.ts'

export interface RepairDeps {
  readonly parts: Parts
  readonly lists: Pick<HintListMaker, 'regained'>
  readonly sync: NeighborSync
  /** Somebody has news to hear. */
  newsCame(): void
}

/** Neighbours that go or come together are seen one after another. */
const GATHER_MS = 100

export class Repair {
  readonly #deps: RepairDeps
  readonly #alarm = new Alarm()
  #before: OwnView

  constructor(deps: RepairDeps) {
    this.#deps = deps
    this.#before = deps.parts.holdings.view
  }

  viewChanged(): void {
    this.#alarm.ring()
  }

  async run(signal: AbortSignal): Promise<void> {
    const { clock, holdings, metrics, options, self } = this.#deps.parts
    this.#before = holdings.view
    for (;;) {
      await this.#alarm.until(clock, undefined, signal)
      await clock.sleep(GATHER_MS, signal)
      const [before, after] = [this.#before, holdings.view]
      this.#before = after
      let told = 0
      const gaining = new Set<PeerId>()
      const gained = holdings.index.keysGained(before, after, 'stored', options.closeGroupSize)
      await holdings.walk(
        gained,
        (_key, peers) => {
          for (const peer of peers) {
            if (peer === self) continue
            told++
            gaining.add(peer)
          }
        },
        signal,
      )
      for (const peer of gaining) {
        this.#deps.lists.regained(peer, before)
        this.#deps.sync.addNews(peer, clock.monotonic())
      }
      if (told === 0) continue
      metrics.repairHints.add(told)
      this.#deps.newsCame()
    }
  }
}
