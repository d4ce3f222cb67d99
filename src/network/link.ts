/** One live connection with what the network knows of the peer behind it. */
import type { PeerId, SocketAddress } from '../protocol/index.ts'
import type { Connection } from '../transport/index.ts'
import type { Entry } from './connection-table.ts'
import type { PeerConnection } from './network.ts'

/** A user agent is only ever shown and tested for its prefix. */
const MAX_USER_AGENT = 128

export class Link implements Entry, PeerConnection {
  readonly connection: Connection
  readonly peer: PeerId
  readonly openedAtMs: number
  readonly selfIsLower: boolean
  /** Resolves at the first verified message; undefined when the connection ended before it. */
  readonly identity: Promise<Link | undefined>
  readonly #settleIdentity: (link: Link | undefined) => void
  #userAgent: string | undefined
  #over = false
  #duplicate = false

  constructor(config: { connection: Connection; peer: PeerId; openedAtMs: number; selfIsLower: boolean }) {
    this.connection = config.connection
    this.peer = config.peer
    this.openedAtMs = config.openedAtMs
    this.selfIsLower = config.selfIsLower
    const { promise, resolve } = Promise.withResolvers<Link | undefined>()
    this.identity = promise
    this.#settleIdentity = resolve
  }

  get publicKey(): Uint8Array {
    return this.connection.remoteKey
  }
  get remote(): SocketAddress {
    return this.connection.remote
  }
  get side(): 'dialler' | 'acceptor' {
    return this.connection.side
  }
  get identified(): boolean {
    return this.#userAgent !== undefined
  }
  get userAgent(): string {
    return this.#userAgent ?? ''
  }
  get over(): boolean {
    return this.#over
  }

  /** The first verified message names the agent for good. */
  identify(userAgent: string): void {
    this.#userAgent ??= userAgent.slice(0, MAX_USER_AGENT)
    this.#settleIdentity(this)
  }

  /** The connection is over, or is treated so. */
  end(): void {
    this.#over = true
    this.#settleIdentity(undefined)
  }

  /** Marks the loser of a simultaneous open; true the first time. */
  markDuplicate(): boolean {
    const first = !this.#duplicate
    this.#duplicate = true
    return first
  }

  close(reason: string): Promise<void> {
    return this.connection.close(0, reason)
  }
}
