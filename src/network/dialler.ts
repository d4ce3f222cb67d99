/**
 * Opens connections: one dial a peer, its plan walked address by address, the peer's identity checked twice (the key
 * proved in the handshake, then the announce), failures remembered and reported (dht.md 7).
 */
import { type Clock, raceAbort, withDeadline } from '../base/index.ts'
import { formatSocketAddress, type PeerId, type SocketAddress, short, type TypedAddress } from '../protocol/index.ts'
import type { Connection, Transport } from '../transport/index.ts'
import { DialMemory } from './dial-memory.ts'
import { type DialContext, type DialStep, dialPlan } from './dial-plan.ts'
import { NetworkError, type NetworkErrorCode } from './errors.ts'
import { IdentityMemory } from './identity-memory.ts'
import type { Link } from './link.ts'
import type { DialOutcome } from './metrics.ts'
import type { PeerFaultSink } from './network.ts'
import type { NetworkOptions } from './options.ts'
import { SharedDials } from './shared-dials.ts'

export interface DiallerDeps {
  readonly self: PeerId
  readonly clock: Clock
  readonly transport: Pick<Transport, 'dial'>
  readonly faults: PeerFaultSink
  context(): DialContext
  peerOf(connection: Connection): PeerId
  /** Puts a new connection into the table and announces us on it; undefined: it is not to be kept. */
  track(connection: Connection, peer: PeerId): Link | undefined
  usedLink(peer: PeerId): Link | undefined
  linkAt(socket: SocketAddress): Link | undefined
  count(outcome: DialOutcome): void
}

/** How one address went. */
type Attempt =
  | { readonly kind: 'connected'; readonly link: Link }
  | { readonly kind: 'failed'; readonly cause: unknown }
  | { readonly kind: 'self' }
  | { readonly kind: 'mismatch'; readonly actual: PeerId }
  | { readonly kind: 'noIdentity' }

export class Dialler {
  readonly #deps: DiallerDeps
  readonly #options: NetworkOptions
  readonly #memory: DialMemory
  readonly #identities: IdentityMemory
  readonly #byPeer = new SharedDials<PeerId, Link>()
  readonly #bySocket = new SharedDials<string, Link>()

  constructor(deps: DiallerDeps, options: NetworkOptions) {
    this.#deps = deps
    this.#options = options
    this.#memory = new DialMemory(options)
    this.#identities = new IdentityMemory(options)
  }

  get dialling(): number {
    return this.#byPeer.size + this.#bySocket.size
  }

  /** Joins the dial of this peer or starts one over `addresses`. */
  connect(
    peer: PeerId,
    options: {
      readonly addresses: readonly TypedAddress[]
      readonly signal: AbortSignal
      readonly ignoreFailures: boolean
    },
  ): Promise<Link> {
    const { addresses, signal, ignoreFailures } = options
    const trouble = ignoreFailures ? undefined : this.#identities.trouble(peer, this.#deps.clock.monotonic())
    if (trouble !== undefined && !this.#byPeer.has(peer)) {
      const code = trouble === 'mismatch' ? 'NETWORK_IDENTITY_MISMATCH' : 'NETWORK_IDENTITY_FAILED'
      return Promise.reject(failure(code, peer, 'suppressed after a recent failure of its identity'))
    }
    return this.#byPeer.join(peer, signal, (signal) => this.#walk(peer, addresses, { signal, ignoreFailures }))
  }

  /** Dials a bare address. No failure is remembered and nobody is blamed: seeds are nobody's promise. */
  connectAddress(
    socket: SocketAddress,
    options: { readonly signal: AbortSignal; readonly expected?: PeerId },
  ): Promise<Link> {
    const { signal, expected } = options
    const key = `${formatSocketAddress(socket)} ${expected ?? ''}`
    return this.#bySocket.join(key, signal, async (signal) => {
      const attempt = await this.#attempt(socket, expected, this.#options.bootstrapIdentityWaitMs, signal)
      if (attempt.kind === 'connected') return attempt.link
      throw bareFailure(attempt, socket, expected)
    })
  }

  /** The peer is connected: forgets what was held against it, and ends our dial when the peer's own was faster. */
  identified(link: Link): void {
    this.#identities.clear(link.peer)
    if (link.side === 'acceptor') this.#byPeer.settle(link.peer, link)
  }

  mayDial(peer: PeerId, addresses: readonly TypedAddress[]): boolean {
    const now = this.#deps.clock.monotonic()
    if (this.#identities.trouble(peer, now) !== undefined) return false
    return dialPlan(addresses, this.#deps.context()).some((step) => this.#memory.mayDial(peer, step, now))
  }

  published(peer: PeerId, previous: readonly TypedAddress[], current: readonly TypedAddress[]): void {
    const known = new Set(previous.map(({ address }) => address.text))
    const added = current.flatMap(({ address }) => (known.has(address.text) ? [] : (address.socket ?? [])))
    this.#memory.published(peer, added, this.#deps.clock.monotonic())
  }

  async #walk(
    peer: PeerId,
    addresses: readonly TypedAddress[],
    { signal, ignoreFailures }: { signal: AbortSignal; ignoreFailures: boolean },
  ): Promise<Link> {
    const { clock, faults } = this.#deps
    const plan = dialPlan(addresses, this.#deps.context())
    const tried: string[] = []
    let last: unknown
    let mismatch: PeerId | undefined
    for (const step of plan) {
      if (!ignoreFailures && !this.#memory.mayDial(peer, step, clock.monotonic())) continue
      tried.push(formatSocketAddress(step.socket))
      const attempt = await this.#attempt(step.socket, peer, this.#options.identityWaitMs, signal)
      this.#learn(step, attempt)
      if (attempt.kind === 'connected') return attempt.link
      if (attempt.kind === 'noIdentity') {
        this.#identities.remember(peer, 'failed', clock.monotonic())
        faults.peerFault(peer, 'identityFailed')
        throw failure('NETWORK_IDENTITY_FAILED', peer, `${tried.at(-1)} did not say who it is in time`)
      }
      if (attempt.kind === 'mismatch') mismatch = attempt.actual
      if (attempt.kind === 'failed') last = attempt.cause
    }
    if (mismatch !== undefined) {
      this.#identities.remember(peer, 'mismatch', clock.monotonic())
      faults.peerFault(peer, 'identityMismatch')
      throw failure('NETWORK_IDENTITY_MISMATCH', peer, `${short(mismatch)} answers at its address`)
    }
    // Without a packet nobody is to blame: everything planned is resting after an earlier failure.
    if (tried.length > 0) faults.peerFault(peer, 'dialFailed')
    const why =
      tried.length > 0 ? `dialled ${tried.join(', ')} in vain` : `none of ${plan.length} addresses may be dialled now`
    throw failure('NETWORK_UNREACHABLE', peer, why, last)
  }

  /** An address that leads to another peer is as good as dead for this one. */
  #learn(step: DialStep, attempt: Attempt): void {
    if (attempt.kind === 'connected' || attempt.kind === 'noIdentity') this.#memory.succeeded(step.socket)
    else this.#memory.failed(step, this.#deps.clock.monotonic())
  }

  async #attempt(
    socket: SocketAddress,
    expected: PeerId | undefined,
    identityWaitMs: number,
    signal: AbortSignal,
  ): Promise<Attempt> {
    const attempt = await this.#open(socket, expected, identityWaitMs, signal)
    this.#deps.count(attempt.kind)
    return attempt
  }

  async #open(
    socket: SocketAddress,
    expected: PeerId | undefined,
    identityWaitMs: number,
    signal: AbortSignal,
  ): Promise<Attempt> {
    const { transport, peerOf, linkAt } = this.#deps
    const present = linkAt(socket)
    if (present && present.peer === (expected ?? present.peer))
      return this.#identify(present, expected, identityWaitMs, signal)
    let connection: Connection
    try {
      connection = await transport.dial(socket, { signal, timeoutMs: this.#options.dialTimeoutMs })
    } catch (cause) {
      signal.throwIfAborted()
      return { kind: 'failed', cause }
    }
    const peer = peerOf(connection)
    if (signal.aborted || peer === this.#deps.self || (expected !== undefined && peer !== expected)) {
      void connection.close(0, 'unexpected identity')
      signal.throwIfAborted()
      return peer === this.#deps.self ? { kind: 'self' } : { kind: 'mismatch', actual: peer }
    }
    return this.#adopt(connection, peer, identityWaitMs, signal)
  }

  /**
   * Keeps the new connection, unless the peer has a good one already and ours would lose (wire.md 7.3). That we have
   * all the connections we may have is not the peer's fault: it ends the dial and is not remembered.
   */
  async #adopt(connection: Connection, peer: PeerId, identityWaitMs: number, signal: AbortSignal): Promise<Attempt> {
    const link = this.#deps.track(connection, peer)
    if (link !== undefined) return this.#identify(link, peer, identityWaitMs, signal)
    const used = this.#deps.usedLink(peer)
    if (used === undefined) throw failure('NETWORK_UNREACHABLE', peer, 'we have all the connections we may have')
    return { kind: 'connected', link: used }
  }

  async #identify(
    link: Link,
    expected: PeerId | undefined,
    identityWaitMs: number,
    signal: AbortSignal,
  ): Promise<Attempt> {
    if (expected !== undefined && link.peer !== expected) return { kind: 'mismatch', actual: link.peer }
    const identified = await this.#announce(link, identityWaitMs, signal)
    // Whoever asked has got the link meanwhile: what became of it since is no verdict on the peer.
    signal.throwIfAborted()
    const used = this.#deps.usedLink(link.peer)
    if (used !== undefined) return { kind: 'connected', link: used }
    if (identified)
      return { kind: 'failed', cause: new NetworkError('NETWORK_UNREACHABLE', 'the connection ended at once') }
    void link.close('no identity')
    return { kind: 'noIdentity' }
  }

  /** Waits for the peer's first verified message; false when it does not come in time. */
  async #announce(link: Link, waitMs: number, signal: AbortSignal): Promise<boolean> {
    try {
      const wait = (signal: AbortSignal) => raceAbort(signal, link.identity)
      return (await withDeadline(this.#deps.clock, waitMs, signal, 'waiting for an announce', wait)) !== undefined
    } catch {
      signal.throwIfAborted()
      return false
    }
  }
}

function bareFailure(
  attempt: Exclude<Attempt, { kind: 'connected' }>,
  socket: SocketAddress,
  expected: PeerId | undefined,
): NetworkError {
  const where = formatSocketAddress(socket)
  switch (attempt.kind) {
    case 'failed':
      return new NetworkError('NETWORK_UNREACHABLE', `connecting to ${where} failed`, { cause: attempt.cause })
    case 'self':
      return new NetworkError('NETWORK_SELF', `${where} is our own address`)
    case 'noIdentity':
      return new NetworkError('NETWORK_IDENTITY_FAILED', `${where} did not say who it is in time`)
    case 'mismatch': {
      const wanted = expected === undefined ? 'anybody' : short(expected)
      return new NetworkError('NETWORK_IDENTITY_MISMATCH', `${where} is ${short(attempt.actual)}, not ${wanted}`)
    }
  }
}

function failure(code: NetworkErrorCode, peer: PeerId, why: string, cause?: unknown): NetworkError {
  return new NetworkError(code, `connecting to ${short(peer)}: ${why}`, { data: { peer }, cause })
}
