/** DHT messages (wire.md 13-14): shapes. Their bytes are in `dht-codec.ts`. */
import type { Key, PeerId } from '../key.ts'
import type { TypedAddress } from '../peer-address.ts'

/** One record inside a SignedAddressRecord. Unknown transports and reachabilities are kept and forwarded. */
export interface TransportAddressRecord {
  readonly transport: number
  readonly reachability: number
  readonly address: Uint8Array
}

/** wire.md 14.2. `encoded` holds the original bytes so that the proof is forwarded unmodified. */
export interface SignedAddressRecord {
  readonly owner: PeerId
  readonly sequence: bigint
  readonly records: readonly TransportAddressRecord[]
  readonly publicKey: Uint8Array
  readonly signature: Uint8Array
  readonly encoded: Uint8Array
}

/** wire.md 13.3. `publicationSequence` is what the `distance` field carries as PUBSEQ01. */
export interface DhtNode {
  readonly peerId: PeerId
  readonly addresses: readonly TypedAddress[]
  readonly publicationSequence?: bigint
}

export type DhtOperation =
  | { readonly kind: 'findNode'; readonly key: Key }
  | { readonly kind: 'ping' }
  | { readonly kind: 'join' }
  | { readonly kind: 'leave' }
  | { readonly kind: 'publishAddressSet'; readonly sequence: bigint; readonly addresses: readonly TypedAddress[] }
  | { readonly kind: 'publishAddressSetV2'; readonly record: SignedAddressRecord }

export type DhtResult =
  | { readonly kind: 'nodesFound'; readonly key: Key; readonly nodes: readonly DhtNode[] }
  | { readonly kind: 'pongReceived'; readonly responder: PeerId }
  | { readonly kind: 'joinSuccess'; readonly assignedKey: Key; readonly bootstrapPeers: number }
  | { readonly kind: 'leaveSuccess' }
  | { readonly kind: 'peerRejected' }
  | { readonly kind: 'publishAddressAck' }
  | { readonly kind: 'error'; readonly operation: string; readonly error: string }

export interface DhtMessage {
  readonly messageId: string
  readonly source: PeerId
  readonly target?: PeerId
  readonly type: 'request' | 'response' | 'broadcast' | 'error'
  readonly operation: DhtOperation
  readonly result?: DhtResult
  /** Unix seconds. */
  readonly timestamp: number
  readonly ttl: number
  readonly hopCount: number
}
