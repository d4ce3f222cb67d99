/** Round-1 sessions of a responder (replication.md 16.2, 17): round 2 needs one and consumes it. */
import { LruMap } from '../base/index.ts'
import type { ChunkAddress, PeerId } from '../protocol/index.ts'
import type { Pin } from './commitment.ts'
import { type AuditOptions, defaultAuditOptions } from './options.ts'

export interface Session {
  readonly pin: Pin
  readonly nonce: Uint8Array
  /** Keys of the audited subtree. */
  readonly audited: ReadonlySet<ChunkAddress>
  /** Nonced root of each pointer leaf: the record may be replaced before round 2. */
  readonly pointerRoots: ReadonlyMap<ChunkAddress, Uint8Array>
}

interface Live {
  readonly session: Session
  readonly expiresAt: number
}

export class Sessions {
  readonly #options: AuditOptions
  /** In the order of their ends: all live equally long. */
  readonly #live = new Map<string, Live>()
  #bindings = 0

  constructor(options: AuditOptions = defaultAuditOptions) {
    this.#options = options
  }

  get size(): number {
    return this.#live.size
  }
  /** Pointer roots held by all sessions. */
  get bindings(): number {
    return this.#bindings
  }

  /** false when a limit is reached: then round 1 is answered Rejected/Transient. A session of the same name is replaced. */
  open(challenger: PeerId, challengeId: bigint, session: Session, now: number): boolean {
    this.#expire(now)
    this.#remove(nameOf(challenger, challengeId))
    const { sessions, sessionBindings, sessionMs } = this.#options
    if (this.#live.size >= sessions || this.#bindings + session.pointerRoots.size > sessionBindings) return false
    this.#live.set(nameOf(challenger, challengeId), { session, expiresAt: now + sessionMs })
    this.#bindings += session.pointerRoots.size
    return true
  }

  /** The session of exactly this challenger and challenge, and its end; undefined when there is none that lives. */
  consume(challenger: PeerId, challengeId: bigint, now: number): Session | undefined {
    this.#expire(now)
    return this.#remove(nameOf(challenger, challengeId))
  }

  #expire(now: number): void {
    for (const [name, { expiresAt }] of this.#live) {
      if (expiresAt > now) return
      this.#remove(name)
    }
  }

  #remove(name: string): Session | undefined {
    const session = this.#live.get(name)?.session
    if (session === undefined) return undefined
    this.#live.delete(name)
    this.#bindings -= session.pointerRoots.size
    return session
  }
}

/** Round 1 of one challenger at most every 30 minutes; one that is refused gets no answer. */
export class RoundOneCooldown {
  readonly #options: AuditOptions
  readonly #last: LruMap<PeerId, number>

  constructor(options: AuditOptions = defaultAuditOptions) {
    this.#options = options
    this.#last = new LruMap(options.stampedPeers)
  }

  take(challenger: PeerId, now: number): boolean {
    const last = this.#last.get(challenger)
    if (last !== undefined && now - last < this.#options.roundOneCooldownMs) return false
    this.#last.set(challenger, now)
    return true
  }
}

function nameOf(challenger: PeerId, challengeId: bigint): string {
  return `${challenger}/${challengeId}`
}
