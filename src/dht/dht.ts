/** Who is close to a key: the facade of the room (dht.md). */
import type { Emitter } from '../base/index.ts'
import type { Key, PeerId, SignedAddressRecord, SocketAddress, TypedAddress } from '../protocol/index.ts'

export interface DhtPeer {
  readonly peer: PeerId
  readonly addresses: readonly TypedAddress[]
}

export type LookupEnd = 'converged' | 'exhausted' | 'iterationLimit' | 'timedOut'

export interface LookupResult {
  /** Nearest first; may contain self when self is a node. */
  readonly closest: readonly DhtPeer[]
  readonly end: LookupEnd
  readonly rounds: number
}

/** dht.md 9. */
export interface WitnessedCloseGroup {
  readonly target: Key
  readonly initialClosest: readonly DhtPeer[]
  /** Each responder's own list, self-inclusive, in distance order of the responders. */
  readonly responderViews: readonly { readonly responder: PeerId; readonly view: readonly DhtPeer[] }[]
}

export type DhtEvents = {
  peerAdded: { peer: PeerId }
  peerRemoved: { peer: PeerId }
  /** Only when the ordered list of the 20 closest to self changed. */
  closestPeersChanged: { previous: readonly PeerId[]; current: readonly PeerId[] }
  bootstrapComplete: { peers: number }
}

export interface LookupObserver {
  /** Candidates heard of while the walk runs, nearest 20 so far: lets a reader ask before the walk ends. */
  onCandidates?(nearest: readonly DhtPeer[]): void
}

export interface Dht {
  start(signal: AbortSignal): Promise<void>
  stop(): Promise<void>
  readonly events: Emitter<DhtEvents>
  readonly tableSize: number
  readonly bootstrapped: boolean

  /** Connects to seeds and caches and fills the table; called by start, again by hand when the network came back. */
  bootstrap(signal: AbortSignal): Promise<void>
  lookup(target: Key, count: number, options: { signal: AbortSignal } & LookupObserver): Promise<LookupResult>
  /** Throws DhtError DHT_INSUFFICIENT_PEERS when fewer than `count` answered. */
  witnessedCloseGroup(
    target: Key,
    options: { count: number; viewSize: number; signal: AbortSignal },
  ): Promise<WitnessedCloseGroup>

  /** Everybody in the own table, in no order. */
  peers(): readonly PeerId[]
  /** The 20 nearest to self, nearest first. */
  closestToSelf(): readonly PeerId[]
  /** From the own table, nearest first, without self. */
  closestLocal(target: Key, count: number): readonly DhtPeer[]
  /** From the own table with self in its place. */
  closestLocalWithSelf(target: Key, count: number): readonly PeerId[]
  /** Self among the `width` closest of the own view. */
  isResponsible(target: Key, width: number): boolean
  /** One of our closest that did not answer of late and may be gone; never while it is our own uplink that is in doubt. */
  suspected(peer: PeerId): boolean
  /** When most of our closest were last silent at once, so that it may have been our own uplink; monotonic ms. */
  uplinkDoubtedAt(): number | undefined
  addressesOf(peer: PeerId): readonly TypedAddress[]
  signedRecordOf(peer: PeerId): SignedAddressRecord | undefined
  /** What we publish about ourselves. */
  selfAddresses(): readonly TypedAddress[]
  /** 0..1, 0.5 = neutral. */
  trustOf(peer: PeerId): number
  /** Weighted observation of the application (dht.md 5). */
  reportTrust(peer: PeerId, event: { success: boolean; weight: number; reason: string }): void
}

export interface BootstrapSeed {
  readonly address: SocketAddress
  readonly expected?: PeerId
}
