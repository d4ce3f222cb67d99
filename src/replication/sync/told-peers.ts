/**
 * Since when hints are news for a peer (replication.md 30.3 nr 2). It is told all at first, again after one, two, four
 * and every six hours, and what is new in between: an hourly exchange costs what changed, not what is held. Pure; `now`
 * is monotonic milliseconds.
 */
import { LruMap } from '../../base/index.ts'
import type { PeerId } from '../../protocol/index.ts'
import type { ReplicationOptions } from '../options.ts'
import type { OwnView } from '../view/own-view.ts'
import type { KeyKind } from './hint-index.ts'

export type ToldOptions = Pick<ReplicationOptions, 'syncFullMs' | 'syncIntervalMinMs'>

/** What was known when a list of hints was made. */
export interface Moment {
  readonly at: number
  readonly view: OwnView
  /** In the journal of the kind. */
  readonly place: number
}

interface Told {
  since: Moment
  fullAt: number
  /** Whole lists told to it since it has caught up. */
  fulls: number
}

/** Each keeps a view alive, some 10 KB. Who finds no place is told all. */
const MAX_TOLD = 512

export class ToldPeers {
  readonly #options: ToldOptions
  readonly #told = new LruMap<string, Told>(MAX_TOLD)

  constructor(options: ToldOptions) {
    this.#options = options
  }

  /** undefined: the peer is to be told all. */
  since(peer: PeerId, kind: KeyKind, now: number): Moment | undefined {
    const told = this.#told.get(nameOf(peer, kind))
    return told && now < told.fullAt + this.#fullMs(told.fulls) ? told.since : undefined
  }

  /** It has heard a list that was made then: everything, or what was new. A peer that joins may drop what it hears. */
  heard(peer: PeerId, kind: KeyKind, moment: Moment, list: { full: boolean; bootstrapping: boolean }): void {
    const told = this.#told.get(nameOf(peer, kind))
    if (list.full) {
      const fulls = list.bootstrapping ? 0 : (told?.fulls ?? 0) + 1
      this.#told.set(nameOf(peer, kind), { since: moment, fullAt: moment.at, fulls })
    } else if (told && moment.at > told.since.at) told.since = moment
  }

  /** It has not caught up, and had before: it started anew, and who knows with what. */
  joins(peer: PeerId): void {
    for (const kind of ['stored', 'paid'] as const)
      if ((this.#told.get(nameOf(peer, kind))?.fulls ?? 0) > 0) this.#told.delete(nameOf(peer, kind))
  }

  forget(peer: PeerId): void {
    for (const kind of ['stored', 'paid'] as const) this.#told.delete(nameOf(peer, kind))
  }
  /** What is held is not what it was. */
  clear(): void {
    this.#told.clear()
  }

  #fullMs(fulls: number): number {
    const { syncFullMs, syncIntervalMinMs } = this.#options
    return fulls === 0 ? syncIntervalMinMs : (syncFullMs[Math.min(fulls, syncFullMs.length) - 1] as number)
  }
}

function nameOf(peer: PeerId, kind: KeyKind): string {
  return `${peer} ${kind}`
}
