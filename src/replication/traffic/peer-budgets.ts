/** How many chunk bytes one peer may take and give, and have read for it (replication.md 30.3 nr 10). */
import { type Clock, TokenBuckets } from '../../base/index.ts'
import type { PeerId } from '../../protocol/index.ts'
import type { ReplicationOptions } from '../options.ts'
import type { PeerBudget } from './answers.ts'

/** Identities cost nothing: strangers have one bucket. */
const STRANGERS = 'strangers'

export class PeerBudgets {
  readonly #clock: Pick<Clock, 'monotonic'>
  readonly #known: (peer: PeerId) => boolean
  readonly #fetches: TokenBuckets<PeerId>
  readonly #offers: TokenBuckets<PeerId>
  readonly #digests: TokenBuckets<PeerId | typeof STRANGERS>

  /** `known`: in the routing table. */
  constructor(options: ReplicationOptions, clock: Pick<Clock, 'monotonic'>, known: (peer: PeerId) => boolean) {
    const { budgetPeers: keys, fetchBurstBytes, fetchBytesPerSecond, offerBurstBytes, offerBytesPerSecond } = options
    this.#clock = clock
    this.#known = known
    this.#fetches = new TokenBuckets({ burst: fetchBurstBytes, perSecond: fetchBytesPerSecond, keys })
    this.#offers = new TokenBuckets({ burst: offerBurstBytes, perSecond: offerBytesPerSecond, keys })
    this.#digests = new TokenBuckets({ burst: options.digestBurstBytes, perSecond: options.digestBytesPerSecond, keys })
  }

  /** What it fetches from us. */
  fetches(peer: PeerId): PeerBudget {
    return this.#of(this.#fetches, peer)
  }
  /** What it offers to us. */
  offers(peer: PeerId): PeerBudget {
    return this.#of(this.#offers, peer)
  }

  /** What is read for its challenges. */
  digests(peer: PeerId): PeerBudget {
    return this.#of(this.#digests, this.#known(peer) ? peer : STRANGERS)
  }

  #of<K>(buckets: TokenBuckets<K>, key: K): PeerBudget {
    const now = () => this.#clock.monotonic()
    return {
      isOpen: () => buckets.isOpen(key, now()),
      charge: (bytes) => buckets.charge(key, now(), bytes),
    }
  }
}
