/**
 * One connection a peer, signed messages both ways, requests and answers, limits. Above it peers have PeerIds;
 * below it connections have keys and sockets. Every message is a signed WireMessage (wire.md 9).
 */
import type { Emitter } from '../base/index.ts'
import type { MessageData, PeerId, SocketAddress, TypedAddress } from '../protocol/index.ts'
import type { Lane } from './send-lanes.ts'

export interface PeerConnection {
  readonly peer: PeerId
  readonly publicKey: Uint8Array
  /** From the first verified message; a `node/` prefix makes the peer eligible for the routing table. */
  readonly userAgent: string
  readonly remote: SocketAddress
  readonly side: 'dialler' | 'acceptor'
}

export type NetworkEvents = {
  /** First verified message of a peer that had no channel: identity is known, messages may be sent. */
  peerConnected: PeerConnection
  /** The peer's last channel ended. */
  peerDisconnected: { peer: PeerId; orderly: boolean }
  /** A peer told us how our address looks from its side. */
  addressObserved: { peer: PeerId; address: SocketAddress }
}

export interface MessageContext {
  readonly from: PeerConnection
  /** Aborted when the network stops or the handler's budget is over. */
  readonly signal: AbortSignal
}

export type MessageHandler = (data: Uint8Array, context: MessageContext) => void | Promise<void>
export interface RequestContext extends MessageContext {
  /** Resolves when the answer was sent or given up: what it holds in memory is free then. */
  readonly answered: Promise<void>
  /** Of the answer; the handler says when it is another than `control`. */
  lane: Lane
  /**
   * From the start of the handler until its signal is aborted, the answer's sending included. The handler says when
   * whoever asks waits longer or shorter than the route allows; never above `maxHandlerBudgetMs` of the network.
   */
  budgetMs: number
}

export interface SendOptions {
  readonly signal: AbortSignal
  /** `control` by default: whoever sends what may be large says another. */
  readonly lane?: Lane
}

/** Of one topic. */
export interface RouteLimits {
  /** Larger messages are dropped before the handler. */
  readonly maxBytes: number
  /** After it the handler's signal is aborted; the network's `handlerBudgetMs` without, never above its maximum. */
  readonly budgetMs?: number
}

/** Answers a `/rr/` request; undefined = no answer. What it answers with is borrowed until `answered`. */
export type RequestHandler = (data: Uint8Array, context: RequestContext) => Promise<MessageData | undefined>

/** Where a peer can be dialled; filled by the routing table (wiring). */
export interface AddressBook {
  addressesOf(peer: PeerId): readonly TypedAddress[]
}

/** How dials and requests went; consumed by trust (wiring). */
export interface PeerFaultSink {
  peerFault(peer: PeerId, fault: PeerFault): void
}
export type PeerFault = 'dialFailed' | 'identityFailed' | 'identityMismatch' | 'requestFailed'

export interface ConnectOptions {
  readonly signal: AbortSignal
  readonly addresses?: readonly TypedAddress[]
  /** Dials although the failure memory says no: for probes that decide whether a peer is dead (dht.md 16, 3). */
  readonly ignoreFailures?: boolean
}

/** Made by `prepare`; for the network that made it. */
export interface PreparedMessage {
  readonly topic: string
  /** The signed bytes, made once. Throws NETWORK_MESSAGE_TOO_LARGE. */
  bytes(): Promise<Uint8Array>
  /** Gives its memory back at once, for those who send large ones; it cannot be sent any more. */
  release(): void
}

export interface Network {
  readonly self: PeerId
  readonly events: Emitter<NetworkEvents>
  readonly localAddress: SocketAddress

  /**
   * Makes sure that `peer` is connected: reuses a live channel, joins a dial in progress, else walks the dial plan of
   * dht.md 7 over `addresses` (default: the address book). Throws NetworkError NETWORK_UNREACHABLE,
   * NETWORK_IDENTITY_FAILED, NETWORK_IDENTITY_MISMATCH.
   */
  connect(peer: PeerId, options: ConnectOptions): Promise<PeerConnection>
  /** Dials a bare address (bootstrap): any identity is accepted unless one is expected. */
  connectAddress(address: SocketAddress, options: { signal: AbortSignal; expected?: PeerId }): Promise<PeerConnection>
  connectionOf(peer: PeerId): PeerConnection | undefined
  connections(): readonly PeerConnection[]
  /** Whether `connections` names anybody. */
  readonly isConnected: boolean
  /**
   * Bytes that its channel has brought so far; it grows with every packet, so growth since the last look is a sign of
   * life. undefined without a channel. `ping` asks for one.
   */
  heard(peer: PeerId): number | undefined
  /** Asks a connected peer for a sign of life below the messages: nothing is signed. Does nothing without a channel. */
  ping(peer: PeerId): void
  disconnect(peer: PeerId, reason: string): Promise<void>
  /** Whether at least one of the addresses may be dialled now (failure memory); connected peers always. */
  isDialable(peer: PeerId, addresses: readonly TypedAddress[]): boolean
  /** A fresh owner publication clears the failure memory of its new addresses (dht.md 7). */
  addressesPublished(peer: PeerId, previous: readonly TypedAddress[], current: readonly TypedAddress[]): void

  /**
   * Sends one message, connecting first when needed; one reconnect at most. From 16 KiB on it resolves when the peer
   * acknowledged all bytes, and waits for its turn in its lane before. Throws NETWORK_SEND_FAILED, NETWORK_BUSY,
   * NETWORK_MESSAGE_TOO_LARGE, or as `connect` does.
   */
  send(peer: PeerId, topic: string, data: MessageData, options: SendOptions): Promise<void>
  /** One message for any number of peers: wrapped and signed at the first send, `data` is borrowed until then. */
  prepare(topic: string, data: MessageData): PreparedMessage
  /** As `send`. */
  sendPrepared(peer: PeerId, message: PreparedMessage, options: SendOptions): Promise<void>
  /**
   * `/rr/` request: envelope, matching answer from the same peer. The deadline covers connecting too. Throws as
   * `connect` and `send` do, and NETWORK_REQUEST_TIMEOUT, NETWORK_REQUEST_LOST, NETWORK_REQUESTS_FULL; NETWORK_BUSY
   * also when its time was up while it waited for its turn.
   */
  request(
    peer: PeerId,
    protocol: string,
    data: Uint8Array,
    options: SendOptions & { readonly timeoutMs: number },
  ): Promise<Uint8Array>

  /** One handler a topic. Returns the unsubscriber. */
  handle(topic: string, limits: RouteLimits, handler: MessageHandler): () => void
  /** The same for requests; `protocol` stands without its `/rr/`. */
  handleRequests(protocol: string, limits: RouteLimits, handler: RequestHandler): () => void
}
