/** Runs a witnessed lookup: one walk that keeps every answer, then the views that are still missing (dht.md 9). */
import { type Clock, toHex, withDeadline } from '../base/index.ts'
import { type Key, keyOf, type PeerId } from '../protocol/index.ts'
import type { DhtPeer, LookupResult, WitnessedCloseGroup } from './dht.ts'
import { DhtError } from './errors.ts'
import type { LookupPeer } from './lookup.ts'
import type { FindNodeOutcome, LookupRequest } from './lookup-runner.ts'
import type { DhtOptions } from './options.ts'
import { initialClosest, selfInclusiveView } from './witnessed-close-group.ts'

export interface WitnessedLookupDeps {
  readonly self: PeerId
  readonly clock: Clock
  lookup(target: Key, count: number, request: LookupRequest): Promise<LookupResult>
  findNode(peer: LookupPeer, target: Key, signal: AbortSignal, limit: number): Promise<FindNodeOutcome>
}

interface WitnessedRequest {
  readonly count: number
  readonly viewSize: number
  readonly signal: AbortSignal
}

/** A busy small network may show a walk too few peers: it is walked once more before giving up. */
const WALKS = 2

export class WitnessedLookup {
  readonly #deps: WitnessedLookupDeps
  readonly #options: Pick<DhtOptions, 'graceMs'>

  constructor(deps: WitnessedLookupDeps, options: Pick<DhtOptions, 'graceMs'>) {
    this.#deps = deps
    this.#options = options
  }

  /** Throws DHT_INSUFFICIENT_PEERS, DHT_OPTIONS for a count or view size of 0, or the signal's reason. */
  async run(target: Key, request: WitnessedRequest): Promise<WitnessedCloseGroup> {
    const { count, viewSize, signal } = request
    if (count < 1 || viewSize < 1) {
      throw new DhtError('DHT_OPTIONS', `witnessed close group of ${count} peers and views of ${viewSize}: at least 1`)
    }
    let found = 0
    for (let walk = 0; walk < WALKS; walk++) {
      const views = new Map<PeerId, readonly DhtPeer[]>()
      const result = await this.#deps.lookup(target, count + 1, {
        signal,
        viewSize,
        onAnswer: (peer, entries) => views.set(peer, entries),
      })
      const initial = initialClosest(target, this.#deps.self, result.closest, count)
      found = initial.length
      if (found >= count) return this.#assemble(target, initial, views, request)
    }
    throw new DhtError(
      'DHT_INSUFFICIENT_PEERS',
      `witnessed close group of ${toHex(target).slice(0, 16)}: the lookup found ${found} peers, need ${count}`,
      { data: { found, count } },
    )
  }

  async #assemble(
    target: Key,
    initial: readonly DhtPeer[],
    views: Map<PeerId, readonly DhtPeer[]>,
    { viewSize, signal }: WitnessedRequest,
  ): Promise<WitnessedCloseGroup> {
    const missing = initial.filter(({ peer }) => !views.has(peer))
    await Promise.all(missing.map((peer) => this.#askAgain(target, peer, views, viewSize, signal)))
    signal.throwIfAborted()
    const responderViews = initial.flatMap((responder) => {
      const list = views.get(responder.peer)
      if (!list) return []
      return [{ responder: responder.peer, view: selfInclusiveView(target, responder, list.map(plain), viewSize) }]
    })
    return { target, initialClosest: initial, responderViews }
  }

  async #askAgain(
    target: Key,
    peer: DhtPeer,
    views: Map<PeerId, readonly DhtPeer[]>,
    viewSize: number,
    signal: AbortSignal,
  ): Promise<void> {
    const asked = { ...peer, key: keyOf(peer.peer) }
    try {
      const outcome = await withDeadline(this.#deps.clock, this.#options.graceMs, signal, 'missing view', (scope) =>
        this.#deps.findNode(asked, target, scope, viewSize),
      )
      if (outcome.kind === 'entries') views.set(peer.peer, outcome.entries)
    } catch {
      // An incomplete set of views is a result; the caller's quorum rule deals with it.
    }
  }
}

function plain({ peer, addresses }: DhtPeer): DhtPeer {
  return { peer, addresses }
}
