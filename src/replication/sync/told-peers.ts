/**
 * Since when hints are news for a peer (replication.md 30.3 nr 2). It is told all at first, again after one, two, four
 * and every six hours, and what is new in between: an hourly exchange costs what changed, not what is held. Pure; `now`
 * is monotonic milliseconds.
 */
import { LruMap } from '../../base/index.ts'
import type { PeerId } from '../../protocol/index.ts'
import type { ReplicationOptions } from '../options.ts'
import { ALL_KINDS, type KeyKind } from '../view/hint-index.ts'
import type { OwnView } from '../view/own-view.ts'

export type ToldOptions = Pick<ReplicationOptions, 'syncFullMs' | 'syncIntervalMinMs'>

/** What was known when a list of hints was made. */
export interface Moment {
  readonly at: number
  readonly view: OwnView
  /** In the journal of the kind. */
  readonly place: number
}

/** Since when, and the views in between from which the peer was missing in groups that it is in again. */
export interface Since extends Moment {
  readonly gaps: readonly OwnView[]
}

interface Told {
  since: Moment
  gaps: readonly { readonly at: number; readonly view: OwnView }[]
  fullAt: number
  /** Whole lists told to it since it has caught up. */
  fulls: number
}

/** Lists of peers; each keeps a view alive, some 10 KB. Who finds no place is told all, as who came and went too often. */
const MAX_TOLD = 512
const MAX_GAPS = 8

export class ToldPeers {
  readonly #options: ToldOptions
  readonly #told = new LruMap<string, Told>(MAX_TOLD)

  constructor(options: ToldOptions) {
    this.#options = options
  }

  /** undefined: the peer is to be told all. */
  since(peer: PeerId, kind: KeyKind, now: number): Since | undefined {
    const told = this.#told.get(nameOf(peer, kind))
    if (!told || now >= told.fullAt + this.#fullMs(told.fulls)) return undefined
    return { ...told.since, gaps: told.gaps.map(({ view }) => view) }
  }

  /**
   * It came into groups in which it was not in the view `before`. Had it been in them when it heard of their keys, it may
   * have dropped these since: they are news again (7.4).
   */
  regained(peer: PeerId, kind: KeyKind, before: OwnView, now: number): void {
    const told = this.#told.get(nameOf(peer, kind))
    if (!told || told.since.view === before) return
    if (told.gaps.length >= MAX_GAPS) this.#told.delete(nameOf(peer, kind))
    else told.gaps = [...told.gaps, { at: now, view: before }]
  }

  /** It has heard a list that was made then: everything, or what was new. A peer that joins may drop what it hears. */
  heard(peer: PeerId, kind: KeyKind, moment: Moment, list: { full: boolean; bootstrapping: boolean }): void {
    const told = this.#told.get(nameOf(peer, kind))
    const gaps = (told?.gaps ?? []).filter(({ at }) => at >= moment.at)
    if (list.full) {
      const fulls = list.bootstrapping ? 0 : (told?.fulls ?? 0) + 1
      this.#told.set(nameOf(peer, kind), { since: moment, gaps, fullAt: moment.at, fulls })
    } else if (told && moment.at > told.since.at) Object.assign(told, { since: moment, gaps })
  }

  /** It has not caught up. true: it had before, so it started anew, and who knows with what. */
  joins(peer: PeerId): boolean {
    const again = ALL_KINDS.some((kind) => (this.#told.get(nameOf(peer, kind))?.fulls ?? 0) > 0)
    if (again) this.forget(peer)
    return again
  }

  forget(peer: PeerId): void {
    for (const kind of ALL_KINDS) this.#told.delete(nameOf(peer, kind))
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
