/** What the engine stands on, and what it offers to the rest of a node. */
import type { Clock, Logger, Random, Registry, Startable } from '../base/index.ts'
import type { BlockKernels, Signer, Verifier } from '../crypto/index.ts'
import type { Dht } from '../dht/index.ts'
import type { CommitmentLookup, CommitmentSource, PaidQuote, PaymentVerifier } from '../payment/index.ts'
import type { ChunkAddress } from '../protocol/index.ts'
import type { ChunkStore, Hash, PaidList } from '../storage/index.ts'
import type { RetentionStore } from './audits/commitments.ts'
import type { EngineNetwork } from './ledger.ts'
import type { ReplicationMemory } from './memory/keeper.ts'
import type { OutOfRange } from './prune/prune-records.ts'

export interface ReplicationDeps {
  readonly network: EngineNetwork
  readonly dht: Dht
  /** For work in the background. */
  readonly store: ChunkStore
  /** The same store for answers to audits, which are due in seconds; default: `store`. */
  readonly auditStore?: Pick<ChunkStore, 'get'>
  readonly paidList: PaidList
  /** Since when keys are out of range; kept over restarts by whoever owns it. */
  readonly timers: OutOfRange
  /** Commitments that were shown, over restarts. */
  readonly retention: RetentionStore
  /** Claims of others and owed keys, over restarts; nothing is remembered without. */
  readonly memory?: ReplicationMemory
  readonly signer: Signer
  readonly verifier: Verifier
  readonly payment: PaymentVerifier
  readonly hash: Hash
  /** Open chunk content for audits; of this thread or another. */
  readonly kernels: BlockKernels
  readonly clock: Clock
  readonly random: Random
  readonly log?: Logger
  readonly registry?: Registry
}

export interface FreshPayment {
  readonly address: ChunkAddress
  readonly proof: Uint8Array
  /** Pinned quotes that it paid: their issuers are audited. */
  readonly paid?: readonly PaidQuote[]
}

export interface Replication extends Startable {
  /** A client paid for a chunk that is stored now: it is spread. */
  freshChunk(chunk: FreshPayment): void
  /** The own commitment for quotes, and those of others for what is checked of payments. */
  readonly commitments: CommitmentSource & CommitmentLookup
  /** The store holds a chunk more, or one less. */
  chunkStored(address: ChunkAddress): void
  chunkRemoved(address: ChunkAddress, corrupt: boolean): void
  /** The chunk is known to be paid, from elsewhere than a message: entries brought over. Durable when it resolves. */
  chunkPaid(address: ChunkAddress): Promise<void>
  /** What our messages say about us. */
  readonly bootstrapping: boolean
  /** Keys that wait for verification or are being fetched. */
  readonly pending: number
  /** Those of them that are queued to be fetched, or on their way. */
  readonly fetching: number
}
