/**
 * Storing one chunk as a state machine (pure): answers in, peers to ask out. As many peers are asked at once as
 * acknowledgements are missing; each failure brings in the next target (client.md 10).
 */
import type { PeerId, PutResult } from '../protocol/index.ts'

/** client.md 10: full → StorageFailed, payment → PaymentRequired or PaymentFailed, other → any other refusal. */
export type StoreFailureClass = 'full' | 'payment' | 'timeout' | 'other' | 'dial'

export type StoreOutcome =
  | { readonly kind: 'stored' | 'existing' }
  | { readonly kind: 'failed'; readonly failure: StoreFailureClass; readonly message: string }

export interface StoreFailure {
  readonly peer: PeerId
  readonly failure: StoreFailureClass
  readonly message: string
}

export type StoreEnd =
  | { readonly kind: 'stored' }
  | { readonly kind: 'exhausted'; readonly verdict: StoreVerdict; readonly failure: StoreFailure | undefined }

/**
 * shortfall: peers did not answer or could not be reached, walking again may help. refused: they answered and said
 * no. payment: they said no because of the payment, asking others with the same proof does not help.
 */
export type StoreVerdict = 'shortfall' | 'refused' | 'payment'

export class StoreChunk {
  readonly #targets: readonly PeerId[]
  readonly #needed: number
  readonly #acks = new Map<PeerId, 'stored' | 'existing'>()
  readonly #failures: StoreFailure[] = []
  readonly #asked: Set<PeerId>
  readonly #inFlight = new Set<PeerId>()
  #next = 0

  /** `earlier`: the walk before this one. Its acks count and are not asked again. */
  constructor(targets: readonly PeerId[], needed: number, earlier?: Pick<StoreChunk, 'acks' | 'asked'>) {
    for (const [peer, ack] of earlier?.acks ?? []) this.#acks.set(peer, ack)
    this.#asked = new Set(earlier?.asked)
    this.#targets = targets.filter((peer) => !this.#acks.has(peer))
    this.#needed = needed
  }

  get acks(): ReadonlyMap<PeerId, 'stored' | 'existing'> {
    return this.#acks
  }
  /** Every peer that was sent the chunk, whatever it said. */
  get asked(): ReadonlySet<PeerId> {
    return this.#asked
  }
  get failures(): readonly StoreFailure[] {
    return this.#failures
  }

  /** Peers to send to now; each is named once. */
  asks(): PeerId[] {
    const asks: PeerId[] = []
    while (this.#acks.size + this.#inFlight.size < this.#needed && this.#next < this.#targets.length) {
      const peer = this.#targets[this.#next++] as PeerId
      this.#inFlight.add(peer)
      asks.push(peer)
    }
    return asks
  }

  /** Outcomes of peers that are not in flight are ignored. */
  onOutcome(peer: PeerId, outcome: StoreOutcome): void {
    if (!this.#inFlight.delete(peer)) return
    if (outcome.kind === 'failed') this.#failures.push({ peer, failure: outcome.failure, message: outcome.message })
    // A peer whose answer was lost in an earlier walk has the chunk from us.
    else this.#acks.set(peer, this.#asked.has(peer) ? 'stored' : outcome.kind)
    this.#asked.add(peer)
  }

  /** Undefined while answers are awaited or peers are left to ask. */
  end(): StoreEnd | undefined {
    if (this.#acks.size >= this.#needed) return { kind: 'stored' }
    if (this.#inFlight.size > 0 || this.#next < this.#targets.length) return undefined
    const first = (...classes: StoreFailureClass[]) => this.#failures.find(({ failure }) => classes.includes(failure))
    const away = first('timeout') ?? first('dial')
    const refusal = first('full', 'other')
    if (away || this.#failures.length === 0) {
      return { kind: 'exhausted', verdict: 'shortfall', failure: away }
    }
    return refusal
      ? { kind: 'exhausted', verdict: 'refused', failure: refusal }
      : { kind: 'exhausted', verdict: 'payment', failure: first('payment') }
  }
}

/** What a storer's answer means for the put. */
export function classifyPutResult(result: PutResult): StoreOutcome {
  switch (result.kind) {
    case 'success':
      return { kind: 'stored' }
    case 'alreadyExists':
      return { kind: 'existing' }
    case 'paymentRequired':
      return { kind: 'failed', failure: 'payment', message: result.message.slice(0, 240) }
    case 'error': {
      const { error } = result
      const text = 'message' in error ? `${error.kind}: ${error.message.slice(0, 240)}` : error.kind
      const failure = error.kind === 'storageFailed' ? 'full' : error.kind === 'paymentFailed' ? 'payment' : 'other'
      return { kind: 'failed', failure, message: text }
    }
  }
}

/**
 * Whether the network did not have the chunk before: the first acknowledgement says so. Later ones may come from peers
 * to whom the first storer has passed a copy while the put was still under way.
 */
export function isNew(acks: ReadonlyMap<PeerId, 'stored' | 'existing'>): boolean {
  const [first] = acks.values()
  return first !== 'existing'
}
