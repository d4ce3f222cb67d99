/** What the drivers share: ports, the machines' facts, and how observations become trust. */
import type { Clock, Logger, Random, TaskGroup } from '../base/index.ts'
import type { BlockKernels } from '../crypto/index.ts'
import type { Dht } from '../dht/index.ts'
import type { Network } from '../network/index.ts'
import type { PaymentVerifier } from '../payment/index.ts'
import type { PeerId } from '../protocol/index.ts'
import type { ChunkStore, Hash } from '../storage/index.ts'
import type { ReplicationMetrics } from './metrics.ts'
import type { ReplicationOptions } from './options.ts'
import type { Messenger } from './traffic/messenger.ts'
import { TRUST_REPORTS, type TrustReportName } from './trust-reports.ts'
import type { Holdings } from './view/holdings.ts'

export interface Parts {
  readonly self: PeerId
  readonly clock: Clock
  readonly random: Random
  readonly log: Logger
  readonly metrics: ReplicationMetrics
  readonly options: ReplicationOptions
  readonly network: Pick<Network, 'send' | 'prepare' | 'sendPrepared'>
  readonly dht: Pick<Dht, 'reportTrust' | 'suspected' | 'uplinkDoubtedAt'>
  readonly store: ChunkStore
  /** The same, for audits that are due in seconds. */
  readonly auditStore: Pick<ChunkStore, 'get'>
  readonly payment: PaymentVerifier
  readonly hash: Hash
  /** For answers to audits. */
  readonly kernels: BlockKernels
  readonly holdings: Holdings
  readonly messenger: Messenger
  readonly tasks: TaskGroup
  /** Says and does nothing about others before the node has caught up (12.2). */
  bootstrapping(): boolean
}

/** An observation becomes trust; of ourselves nothing is observed. */
export function report({ dht, self }: Parts, peer: PeerId, name: TrustReportName): void {
  if (peer !== self) dht.reportTrust(peer, TRUST_REPORTS[name])
}
