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

export class RequestLine {
  readonly #limits: RequestLineLimits
  readonly #permits: Semaphore
  readonly #peers = new Map<PeerId, Load>()
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

  /** A ticket, or which limit is reached. */
  enter(peer: PeerId, bytes: number): Ticket | { readonly kind: 'full'; readonly limit: LineFull } {
    const limits = this.#limits
    const load = this.#peers.get(peer) ?? { requests: 0, bytes: 0 }
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

  #ticket(peer: PeerId, load: Load, bytes: number): Ticket {
    let release: (() => void) | undefined
    return {
      kind: 'ticket',
      turn: async (signal) => {
        release = await this.#permits.acquire(signal)
      },
      leave: () => {
        release?.()
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
