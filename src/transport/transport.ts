/**
 * The channel between two sockets: authenticated by ML-DSA-65 keys, one whole message per unidirectional stream.
 * It knows keys and sockets; who a peer is on the network is decided above (network room).
 * Drivers: native QUIC, in-memory, simulation. One contract suite runs on all.
 */
import type { Bytes } from '../base/index.ts'
import type { SocketAddress } from '../protocol/index.ts'

/** Why a connection ended. `local`: our own close or stop. */
export interface CloseReason {
  readonly kind: 'local' | 'peer' | 'timeout' | 'reset' | 'error'
  readonly code: number
  readonly reason: string
}

export interface SendOptions {
  readonly signal: AbortSignal
  /** Resolve only when the peer acknowledged every byte. Default: when the bytes are written and finished. */
  readonly acknowledged?: boolean
  /** Larger goes first among the streams of one connection; 0 by default. */
  readonly priority?: number
}

export interface ConnectionStats {
  readonly rttMs: number
  readonly sentBytes: number
  /** Grows with every packet of the peer, acknowledgements and keep-alives too. */
  readonly receivedBytes: number
  readonly lostPackets: number
}

export interface Connection {
  readonly side: 'dialler' | 'acceptor'
  readonly remote: SocketAddress
  /** ML-DSA-65 key that the peer proved in the handshake, 1952 bytes. */
  readonly remoteKey: Uint8Array
  /** One message, borrowed until the promise settles. An aborted send resets its stream: the peer never sees a part. */
  send(message: Uint8Array, options: SendOptions): Promise<void>
  /** Called once per whole message (moved to the callee). Set it right when the connection is handed over. */
  onMessage: (message: Uint8Array) => void
  /** What the peer says our address looks like from its side; undefined until it says so. */
  readonly observedAddress: SocketAddress | undefined
  onObservedAddress: (address: SocketAddress) => void
  /** Raises or lowers the receive window for this connection (bytes); a hint. */
  setReceiveWindow(bytes: number): void
  stats(): ConnectionStats
  /**
   * Asks the other end for a sign of life, with a packet that must be acknowledged (RFC 9000, 19.2): when it comes,
   * `stats().receivedBytes` has grown. No message, no signature. Does nothing once the connection is over.
   */
  ping(): void
  /** Resolves, never rejects, when the connection is over. */
  readonly closed: Promise<CloseReason>
  /** Sends CONNECTION_CLOSE; resolves when nothing more will arrive. */
  close(code: number, reason: string): Promise<void>
}

export interface DialOptions {
  readonly signal: AbortSignal
  /** Whole budget of this dial: connect and handshake. */
  readonly timeoutMs: number
}

export interface Transport {
  /** Binds the socket. Throws TransportError TRANSPORT_ADDRESS_IN_USE when the port is taken. */
  start(signal: AbortSignal): Promise<void>
  /** Closes every connection cleanly and the socket. */
  stop(): Promise<void>
  /** Real bound address, after start. */
  readonly localAddress: SocketAddress
  readonly driver: 'quic-native' | 'memory' | 'simulated'
  /** Dials from the listening socket. Throws TransportError (TRANSPORT_DIAL_FAILED, _TIMEOUT) or the signal's reason. */
  dial(address: SocketAddress, options: DialOptions): Promise<Connection>
  /**
   * Zeroed memory for a message to be sent: a driver may send from it without a copy, to any number of peers. Its
   * bytes must stay as they are once they were given to a send; when its sends have settled it may be released.
   */
  allocate(bytes: number): Bytes
  /** Every accepted connection, before any of its messages. Set before start. */
  onConnection: (connection: Connection) => void
}
