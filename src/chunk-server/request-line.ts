/**
 * Who is served now, who waits, who is turned away (pure): permits with a bounded line, and bounds a peer so that one
 * cannot fill it. A request counts from the moment it is let in until it has been answered.
 */
import { Semaphore } from '../base/index.ts'
import type { PeerId } from '../protocol/index.ts'

export interface RequestLineLimits {
  readonly permits: number
  readonly maxWaiting: number
  readonly maxPerPeer: number
  readonly permitsPerPeer: number
  readonly maxBytes: number
  readonly maxBytesPerPeer: number
}

export type LineFull = 'line' | 'bytes' | 'peer'

export interface Ticket {
  readonly kind: 'ticket'
  /** Waits for a permit; rejects with the signal's reason. */
  turn(signal: AbortSignal): Promise<void>
  /** Gives everything back; call it once, whatever happened. */
  leave(): void
}

interface Load {
  requests: number
  bytes: number
}

interface PeerLoad extends Load {
  /** A peer's own share of the permits, taken first: those who wait for it do not stand in the line of all. */
  readonly share: Semaphore
}

export class RequestLine {
  readonly #limits: RequestLineLimits
  readonly #permits: Semaphore
  readonly #peers = new Map<PeerId, PeerLoad>()
  readonly #total: Load = { requests: 0, bytes: 0 }
  #idle: (() => void)[] = []

  constructor(limits: RequestLineLimits) {
    this.#limits = limits
    // The line itself bounds the waiting ones.
    this.#permits = new Semaphore(limits.permits, limits.maxWaiting)
  }

  /** Requests let in and not yet answered. */
  get outstanding(): number {
    return this.#total.requests
  }

  /** Bytes of those requests. */
  get bytes(): number {
    return this.#total.bytes
  }

  /** Requests that hold a permit. */
  get running(): number {
    return this.#limits.permits - this.#permits.free
  }

  /** A ticket, or which limit is reached. */
  enter(peer: PeerId, bytes: number): Ticket | { readonly kind: 'full'; readonly limit: LineFull } {
    const limits = this.#limits
    const load = this.#peers.get(peer) ?? this.#newLoad()
    if (this.#total.requests >= limits.permits + limits.maxWaiting) return { kind: 'full', limit: 'line' }
    if (this.#total.bytes + bytes > limits.maxBytes) return { kind: 'full', limit: 'bytes' }
    if (load.requests >= limits.maxPerPeer || load.bytes + bytes > limits.maxBytesPerPeer) {
      return { kind: 'full', limit: 'peer' }
    }
    this.#peers.set(peer, load)
    for (const counted of [load, this.#total]) {
      counted.requests++
      counted.bytes += bytes
    }
    return this.#ticket(peer, load, bytes)
  }

  /** Resolves when nobody is in the line. */
  idle(): Promise<void> {
    if (this.outstanding === 0) return Promise.resolve()
    return new Promise((resolve) => this.#idle.push(resolve))
  }

  #newLoad(): PeerLoad {
    const { permitsPerPeer, maxPerPeer } = this.#limits
    return { requests: 0, bytes: 0, share: new Semaphore(permitsPerPeer, maxPerPeer) }
  }

  #ticket(peer: PeerId, load: PeerLoad, bytes: number): Ticket {
    let giveBackShare: (() => void) | undefined
    let release: (() => void) | undefined
    return {
      kind: 'ticket',
      turn: async (signal) => {
        giveBackShare = await load.share.acquire(signal)
        release = await this.#permits.acquire(signal)
      },
      leave: () => {
        release?.()
        giveBackShare?.()
        for (const counted of [load, this.#total]) {
          counted.requests--
          counted.bytes -= bytes
        }
        if (load.requests === 0) this.#peers.delete(peer)
        if (this.outstanding > 0) return
        for (const resolve of this.#idle.splice(0)) resolve()
      },
    }
  }
}
