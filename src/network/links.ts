/** Live connections: admits them, announces us, notices who they are and when they end, closes what is superfluous. */
import { type Clock, Emitter, type Logger, LruMap, messageOf, type TaskGroup } from '../base/index.ts'
import {
  ADDRESS_TYPE,
  isLanIp,
  type PeerId,
  parseIp,
  quicMultiaddr,
  short,
  type TypedAddress,
} from '../protocol/index.ts'
import type { CloseReason, Connection } from '../transport/index.ts'
import { ConnectionTable } from './connection-table.ts'
import { InboundLimits } from './inbound-limits.ts'
import { Link } from './link.ts'
import type { RefusedInbound } from './metrics.ts'
import type { NetworkEvents } from './network.ts'
import type { NetworkOptions } from './options.ts'
import { isLowerThan, transportFingerprint } from './transport-fingerprint.ts'

export interface LinksDeps {
  readonly self: PeerId
  readonly ownKey: Uint8Array
  readonly clock: Clock
  readonly log: Logger
  readonly tasks: TaskGroup
  peerOf(connection: Connection): PeerId
  announce(link: Link, signal: AbortSignal): Promise<void>
  onMessage(link: Link, message: Uint8Array): void
  onIdentified(link: Link): void
  onEnded(link: Link): void
  onPeerGone(peer: PeerId): void
  countRefused(reason: RefusedInbound): void
}

export class Links {
  readonly table: ConnectionTable<Link>
  readonly events: Emitter<NetworkEvents>
  readonly #deps: LinksDeps
  readonly #options: NetworkOptions
  readonly #limits: InboundLimits
  readonly #fingerprint: Uint8Array
  /** Where a peer was last seen, for peers that no address book knows. */
  readonly #saved: LruMap<PeerId, TypedAddress>

  constructor(deps: LinksDeps, options: NetworkOptions) {
    this.#deps = deps
    this.#options = options
    this.table = new ConnectionTable(options)
    this.#limits = new InboundLimits(options)
    this.#fingerprint = transportFingerprint(deps.ownKey)
    this.#saved = new LruMap(options.savedAddressPeers)
    this.events = new Emitter({
      onError: (error) => deps.log.error('a listener of network events failed', { error: messageOf(error) }),
    })
  }

  savedAddresses(peer: PeerId): readonly TypedAddress[] {
    const saved = this.#saved.get(peer)
    return saved === undefined ? [] : [saved]
  }

  /** Somebody connected to us. */
  accept(connection: Connection): void {
    const { clock } = this.#deps
    const peer = this.#deps.peerOf(connection)
    const refusal = this.#refusal(connection, peer)
    if (refusal !== undefined) {
      this.#deps.countRefused(refusal)
      void connection.close(0, refusal)
      return
    }
    const link = this.#track(connection, peer)
    const timer = clock.timer(this.#options.inboundIdentityWaitMs, () => void link.close('no identity'))
    void link.identity.then(() => timer.cancel())
    void connection.closed.then(() => this.#limits.left(connection.remote.ip))
  }

  #refusal({ remote }: Connection, peer: PeerId): RefusedInbound | undefined {
    const { clock, self, tasks } = this.#deps
    if (tasks.signal.aborted) return 'stopped'
    if (peer === self) return 'self'
    const admission = this.#limits.admit(remote.ip, this.table.size, clock.monotonic())
    return admission === 'admitted' ? undefined : admission
  }

  /** Our own dial succeeded. undefined: it is closed, as the peer has a connection already that wins (wire.md 7.3). */
  adopt(connection: Connection, peer: PeerId): Link | undefined {
    const used = this.table.used(peer)
    const selfIsLower = isLowerThan(this.#fingerprint, connection.remoteKey)
    const fresh = used && this.#deps.clock.monotonic() - used.openedAtMs <= this.#options.simultaneousOpenMs
    const ours = used === undefined || (used.side === 'acceptor' && fresh && selfIsLower)
    if (ours && this.table.size < this.#options.maxConnections) return this.#track(connection, peer, selfIsLower)
    void connection.close(0, ours ? 'too many connections' : 'duplicate')
    return undefined
  }

  /** The first verified message of a connection: from now on it may be used. */
  identified(link: Link, userAgent: string): void {
    const { table, events } = this
    const wasConnected = table.used(link.peer) !== undefined
    link.identify(userAgent)
    table.identified(link)
    this.#saved.set(link.peer, seenAt(link))
    this.#closeSuperfluous(link.peer)
    this.#deps.onIdentified(link)
    if (!wasConnected) events.emit('peerConnected', link)
    const observed = link.connection.observedAddress
    if (observed !== undefined) events.emit('addressObserved', { peer: link.peer, address: observed })
  }

  /** Takes a link out at once, before its connection has noticed that it is dead. */
  dead(link: Link): void {
    this.#ended(link, { kind: 'error', code: 0, reason: 'dead' })
    void link.close('dead')
  }

  async closeAll(peer: PeerId, reason: string): Promise<void> {
    await Promise.all(this.table.of(peer).map((link) => link.close(reason)))
  }

  #track(
    connection: Connection,
    peer: PeerId,
    selfIsLower = isLowerThan(this.#fingerprint, connection.remoteKey),
  ): Link {
    const { clock, tasks } = this.#deps
    const link = new Link({ connection, peer, openedAtMs: clock.monotonic(), selfIsLower })
    this.table.add(link)
    connection.onMessage = (message) => this.#deps.onMessage(link, message)
    connection.onObservedAddress = (address) => {
      if (link.identified && !link.over) this.events.emit('addressObserved', { peer, address })
    }
    void connection.closed.then((reason) => this.#ended(link, reason))
    for (const extra of this.table.excess(peer, this.#options.maxConnectionsPerPeer)) void extra.close('duplicate')
    tasks.spawn('announce', (signal) => this.#announce(link, signal))
    return link
  }

  async #announce(link: Link, signal: AbortSignal): Promise<void> {
    try {
      await this.#deps.announce(link, signal)
    } catch (error) {
      // The peer will not know us on this connection; it or our next message decides what becomes of it.
      this.#deps.log.debug('announce failed', { peer: short(link.peer), error: messageOf(error) })
    }
  }

  /** Both sides dialled at once: what is still under way on the loser may arrive before it is closed. */
  #closeSuperfluous(peer: PeerId): void {
    const { clock, tasks } = this.#deps
    for (const loser of this.table.lostDials(peer)) {
      if (!loser.markDuplicate()) continue
      tasks.spawn('duplicate', async (signal) => {
        await clock.sleep(this.#options.duplicateGraceMs, signal)
        if (this.table.lostDials(peer).includes(loser)) await loser.close('duplicate')
      })
    }
  }

  #ended(link: Link, reason: CloseReason): void {
    if (!this.table.remove(link)) return
    const { tasks, log } = this.#deps
    link.end()
    this.#deps.onEnded(link)
    log.debug('connection ended', {
      peer: short(link.peer),
      kind: reason.kind,
      code: reason.code,
      reason: reason.reason,
    })
    if (!link.identified || this.table.used(link.peer) !== undefined) return
    this.#deps.onPeerGone(link.peer)
    const orderly = reason.kind === 'peer' || reason.kind === 'local'
    if (!tasks.signal.aborted) this.events.emit('peerDisconnected', { peer: link.peer, orderly })
  }
}

function seenAt({ remote }: Link): TypedAddress {
  const bytes = parseIp(remote.ip)
  const type = bytes !== undefined && isLanIp(bytes) ? ADDRESS_TYPE.lan : ADDRESS_TYPE.unverified
  return { address: quicMultiaddr(remote), type }
}
