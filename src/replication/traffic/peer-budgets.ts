/** How many chunk bytes one peer may take and give (replication.md 30.3 nr 10). */
import { type Clock, TokenBuckets } from '../../base/index.ts'
import type { PeerId } from '../../protocol/index.ts'
import type { ReplicationOptions } from '../options.ts'
import type { PeerBudget } from './answers.ts'

export class PeerBudgets {
  readonly #clock: Pick<Clock, 'monotonic'>
  readonly #fetches: TokenBuckets<PeerId>
  readonly #offers: TokenBuckets<PeerId>

  constructor(options: ReplicationOptions, clock: Pick<Clock, 'monotonic'>) {
    const { budgetPeers: keys, fetchBurstBytes, fetchBytesPerSecond, offerBurstBytes, offerBytesPerSecond } = options
    this.#clock = clock
    this.#fetches = new TokenBuckets({ burst: fetchBurstBytes, perSecond: fetchBytesPerSecond, keys })
    this.#offers = new TokenBuckets({ burst: offerBurstBytes, perSecond: offerBytesPerSecond, keys })
  }

  /** What it fetches from us. */
  fetches(peer: PeerId): PeerBudget {
    return this.#of(this.#fetches, peer)
  }
  /** What it offers to us. */
  offers(peer: PeerId): PeerBudget {
    return this.#of(this.#offers, peer)
  }

  #of(buckets: TokenBuckets<PeerId>, peer: PeerId): PeerBudget {
    const now = () => this.#clock.monotonic()
    return {
      isOpen: () => buckets.isOpen(peer, now()),
      charge: (bytes) => buckets.charge(peer, now(), bytes),
    }
  }
}
