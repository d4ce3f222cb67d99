/**
 * Storing one chunk as a state machine (pure; `now` is monotonic milliseconds): answers in, peers to ask out. As many
 * peers are asked at once as acknowledgements are missing; each failure brings in the next target (client.md 10), and so
 * does a peer that is late by what others took. Never by a clock alone: a slow line of ours makes all of them slow.
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

export interface StoreOptions {
  /** A peer is late to answer after this and `putLateFactor` times what the quickest one took. */
  readonly putLateMs: number
  /** It is late to take the chunk after this and as often what the slowest of two others or more took. */
  readonly putStuckMs: number
  readonly putLateFactor: number
}

interface Awaited {
  readonly askedAt: number
  deliveredAt: number | undefined
}

export class StoreChunk {
  readonly #options: StoreOptions
  readonly #targets: readonly PeerId[]
  readonly #needed: number
  readonly #acks = new Map<PeerId, 'stored' | 'existing'>()
  readonly #failures: StoreFailure[] = []
  readonly #asked: Set<PeerId>
  readonly #inFlight = new Map<PeerId, Awaited>()
  /** In flight, and others are asked in their place. */
  readonly #late = new Set<PeerId>()
  /** Somebody took the chunk and did not answer: it may have stored it and passed it on. */
  #unsure: boolean
  /** Of the answers, from the delivery on. */
  #quickest: number | undefined
  #deliveries = 0
  #slowestDelivery = 0
  #next = 0

  /** `earlier`: the walk before this one. Its acks count and are not asked again. */
  constructor(
    targets: readonly PeerId[],
    needed: number,
    options: StoreOptions,
    earlier?: Pick<StoreChunk, 'acks' | 'asked' | 'unsure'>,
  ) {
    this.#unsure = earlier?.unsure ?? false
    this.#options = options
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
  /** Somebody has confirmed in this walk. */
  get answered(): boolean {
    return this.#quickest !== undefined
  }
  get unsure(): boolean {
    return this.#unsure
  }
  get failures(): readonly StoreFailure[] {
    return this.#failures
  }

  /** Keep us waiting, and their answers count all the same. */
  get late(): ReadonlySet<PeerId> {
    return this.#late
  }
  /** When the next peer is late; undefined: none will be, or nobody is left to ask in its place. */
  get lateAt(): number | undefined {
    return this.#nextLate()?.at
  }
  #nextLate(): { readonly peer: PeerId; readonly at: number } | undefined {
    // When many are busy more copies help nobody.
    if (this.#next >= this.#targets.length || this.#late.size >= this.#needed) return undefined
    let next: { peer: PeerId; at: number } | undefined
    for (const [peer, awaited] of this.#inFlight) {
      const at = this.#late.has(peer) ? undefined : this.#lateFrom(awaited)
      if (at !== undefined && at < (next?.at ?? Number.POSITIVE_INFINITY)) next = { peer, at }
    }
    return next
  }
  #lateFrom({ askedAt, deliveredAt }: Awaited): number | undefined {
    const { putLateMs, putStuckMs, putLateFactor } = this.#options
    // One that is quick may be a machine in our own house.
    if (deliveredAt === undefined)
      return this.#deliveries < 2 ? undefined : askedAt + putStuckMs + putLateFactor * this.#slowestDelivery
    return this.#quickest === undefined ? undefined : deliveredAt + putLateMs + putLateFactor * this.#quickest
  }

  /** Peers to send to now; each is named once. */
  asks(now: number): PeerId[] {
    for (let next = this.#nextLate(); next && next.at <= now; next = this.#nextLate()) this.#late.add(next.peer)
    const asks: PeerId[] = []
    const awaited = () => this.#inFlight.size - this.#late.size
    while (this.#acks.size + awaited() < this.#needed && this.#next < this.#targets.length) {
      const peer = this.#targets[this.#next++] as PeerId
      this.#inFlight.set(peer, { askedAt: now, deliveredAt: undefined })
      asks.push(peer)
    }
    return asks
  }

  /** The peer has the whole chunk. */
  onDelivered(peer: PeerId, now: number): void {
    const awaited = this.#inFlight.get(peer)
    if (!awaited) return
    awaited.deliveredAt = now
    this.#deliveries++
    this.#slowestDelivery = Math.max(this.#slowestDelivery, now - awaited.askedAt)
  }

  /** Outcomes of peers that are not in flight are ignored. */
  onOutcome(peer: PeerId, outcome: StoreOutcome, now: number): void {
    const awaited = this.#inFlight.get(peer)
    if (!awaited) return
    this.#inFlight.delete(peer)
    this.#late.delete(peer)
    if (outcome.kind === 'failed') {
      this.#failures.push({ peer, failure: outcome.failure, message: outcome.message })
      this.#unsure ||= outcome.failure === 'timeout'
    } else {
      const took = now - (awaited.deliveredAt ?? awaited.askedAt)
      this.#quickest = Math.min(this.#quickest ?? took, took)
      // Had one whose answer was lost stored it, this copy is ours too.
      this.#acks.set(peer, this.#unsure || this.#asked.has(peer) ? 'stored' : outcome.kind)
    }
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
