/** What all nodes must agree on (wire.md 24, dht.md 2, storage.md 9). Never options. */
import { KiB, MiB } from '../base/index.ts'

/** k: bucket size and the default count of a lookup. */
export const K_BUCKET_SIZE = 20
/** Queries in flight of one lookup. */
export const LOOKUP_ALPHA = 3
export const CLOSE_GROUP_SIZE = 7
/** Width of what a node should hold. */
export const STORAGE_WIDTH = 9
/** Width of what a node accepts from clients and offers. */
export const ACCEPTANCE_WIDTH = 20
/** Acknowledgements after which a put has succeeded. */
export const PUT_ACKS = 4

export const MAX_CHUNK_BYTES = 4 * MiB
export const MAX_CHUNK_MESSAGE_BYTES = 5 * MiB
export const MAX_MESSAGE_BYTES = 10 * MiB
export const MAX_DHT_MESSAGE_BYTES = 64 * KiB
export const MAX_SUBTREE_MESSAGE_BYTES = 512 * KiB
export const MIN_PAYMENT_PROOF_BYTES = 32
export const MAX_PAYMENT_PROOF_BYTES = 512 * KiB
export const SETTLEMENT_VERSION = 1

export const TOPIC_IDENTITY = '/saorsa/identity/1.0'
export const TOPIC_DHT = '/dht/1.0.0'
export const TOPIC_DHT_ADDRESS = '/dht/address/2.0.0'
export const TOPIC_CHUNK = 'autonomi.ant.chunk.v1'
export const TOPIC_REPLICATION = 'autonomi.ant.replication.v2'
export const TOPIC_SUBTREE_AUDIT = 'autonomi.ant.replication.subtree-audit.v2'
export const TOPIC_RELAY_CANARY = 'relay-canary-v1'
/** Topics with this prefix carry a RequestResponseEnvelope. */
export const REQUEST_PREFIX = '/rr/'

/** One SignedAddressRecord, its records, the payload of one (wire.md 14.2, 14.4). */
export const MAX_ADDRESS_RECORD_BYTES = 40 * KiB
export const MAX_ADDRESS_RECORDS = 16
export const MAX_ADDRESS_PAYLOAD_BYTES = 2 * KiB
/** Signed records in the trailer of one NodesFound reply. */
export const MAX_ADDRESS_PROOFS = 256

/** Replication (wire.md 19, 24): more of these in one message than here is misbehaviour. */
export const MAX_VERIFICATION_KEYS = 8_192
export const MAX_POINTER_HINTS = 8_192
export const MAX_POINTER_STATES = 512
export const MAX_SLICE_OPENINGS = 10
/** Of one item: the current record and one that was just replaced. */
export const MAX_POINTER_RECORDS = 2

/** Storage commitments (wire.md 18.1). */
export const MAX_COMMITMENT_KEYS = 1_000_000
export const MAX_COMMITMENT_SIDECAR_BYTES = 8 * KiB
