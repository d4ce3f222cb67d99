/**
 * Which message goes out first, over all connections: they share one line (replication.md 30.3 nr 4). Small messages
 * never wait; a large one waits for its turn in its lane, and there for the turn of its peer.
 */
import {
  type Clock,
  codeOf,
  KiB,
  type LaneFigures,
  LaneGate,
  type LaneLimits,
  type LaneTable,
  MiB,
  second,
} from '../base/index.ts'
import { type PeerId, short } from '../protocol/index.ts'
import { NetworkError } from './errors.ts'

/**
 * Highest first: DHT and identity; audits that we answer; chunks that are read; chunks that are stored; copies for
 * neighbours; hints, and the audits that we start.
 */
export const LANES = ['control', 'audit', 'get', 'put', 'spread', 'hints'] as const
export type Lane = (typeof LANES)[number]

export interface SendLaneOptions extends LaneTable<Lane> {
  /** false: everything goes out at once. */
  readonly enabled: boolean
  /** Messages below this never wait, whatever their lane. */
  readonly smallBytes: number
}

const NONE = Number.POSITIVE_INFINITY

/** What starts it bounds itself: permits of the chunk server, budgets of the client, places for audits. */
const unlimited: LaneLimits = {
  ...{ waiting: 1024, load: NONE, ownerLoad: NONE, holdMs: 10 * second, presses: true, patienceMs: 0, share: 1 },
}

export const SEND_LANE_DEFAULTS: SendLaneOptions = Object.freeze({
  enabled: true,
  smallBytes: 16 * KiB, // what is sent without waiting for an acknowledgement (wire.md 8): its end is not known
  restMs: 0.2 * second, // the next request of a download is a round trip away
  calmMs: 5 * second, // a download asks a node of many every few seconds
  lanes: Object.freeze({
    control: { ...unlimited, presses: false }, // always there
    audit: { ...unlimited, holdMs: 5 * second }, // due in 4.4 s, or 5.0 of trust are lost
    // A client gives a chunk up after 10 s; eight chunks on their way fill 600 Mbit/s at 0.5 s.
    get: { ...unlimited, ownerLoad: 36 * MiB, patienceMs: 0.2 * second },
    put: { ...unlimited, patienceMs: 0.5 * second },
    spread: {
      ...{ waiting: 256, presses: true, share: 1 / 8 }, // offers and answers to fetches
      // Two chunks of full size: one is sent while the other is acknowledged; to one peer a chunk at a time.
      ...{ load: 9 * MiB, ownerLoad: 5 * MiB },
      ...{ holdMs: 3 * second, patienceMs: 5 * second }, // a fetch is given up after 30 s
    },
    hints: {
      ...{ waiting: 256, presses: false, share: 1 / 8 },
      ...{ load: 4 * MiB, ownerLoad: 2 * MiB, holdMs: 3 * second, patienceMs: second }, // an answer is due in 4.4 s
    },
  }),
})

export interface SendLanesDeps {
  readonly clock: Clock
  /** Bytes of a lane, after every change. */
  changed(lane: Lane, figures: LaneFigures): void
}

export class SendLanes {
  readonly #options: SendLaneOptions
  readonly #gate: LaneGate<Lane>

  constructor(deps: SendLanesDeps, options: SendLaneOptions) {
    this.#options = options
    this.#gate = new LaneGate(deps, options)
  }

  isSmall(bytes: number): boolean {
    return bytes < this.#options.smallBytes
  }

  /** A message that needs no turn. */
  passes(bytes: number): boolean {
    return !this.#options.enabled || this.isSmall(bytes)
  }

  /** Resolves with what says that the bytes are gone. Throws NETWORK_BUSY, or the signal's reason. */
  async turn(lane: Lane, bytes: number, peer: PeerId, signal: AbortSignal): Promise<() => void> {
    try {
      return await this.#gate.enter(lane, { weight: bytes, owner: peer }, signal)
    } catch (cause) {
      if (codeOf(cause) !== 'LANE_FULL') throw cause
      const what = `sending to ${short(peer)}: too many messages wait in the lane ${lane}`
      throw new NetworkError('NETWORK_BUSY', what, { data: { lane }, cause })
    }
  }
}
