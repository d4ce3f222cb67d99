/** How closely the nearest peers are watched (replication.md 30.3, ADR 9). */
import { hour, second } from '../base/index.ts'
import { NEIGHBOUR_WATCH_DEFAULTS, type NeighbourWatchOptions } from './neighbour-watch.ts'
import type { RecentlyLostOptions } from './recently-lost.ts'

export interface NeighbourOptions extends NeighbourWatchOptions, RecentlyLostOptions {
  /** Between two looks while all is quiet, and while somebody owes us an answer. */
  readonly lookMs: number
  readonly closeLookMs: number
}

export const NEIGHBOUR_DEFAULTS: NeighbourOptions = Object.freeze({
  ...NEIGHBOUR_WATCH_DEFAULTS,
  lookMs: 5 * second, // = silenceMs: a busy pair is never asked
  closeLookMs: 1 * second, // while somebody owes us an answer
  lostFirstMs: 30 * second, // then 1, 2, 4 ... min
  lostForgetMs: 3 * hour, // a partition may last an hour
  lostFeelMs: 60 * second, // one dial a minute, in vain while nobody comes back
  lostAtOnce: 4, // of a look
  lostRemembered: 256, // three times the neighbourhood of a large network and all that replaced them
})
