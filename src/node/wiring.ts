/**
 * How the rooms fit together, over ports only: the same wiring runs real nodes (`storage-node.ts`) and whole simulated
 * networks on a virtual clock. That of a client, which needs more rooms, is `client-wiring.ts`.
 */
import type { Clock, Logger, Random, Registry, Startable } from '../base/index.ts'
import { createChunkServer } from '../chunk-server/index.ts'
import type { BlockKernels, Signer, Verifier } from '../crypto/index.ts'
import { type BootstrapSeed, createDht, type DhtService, type PeerFiles } from '../dht/index.ts'
import { type AddressBook, createNetwork, type Network, type PeerFaultSink } from '../network/index.ts'
import { createQuoter, type PaymentVerifier, parseRewardsAddress } from '../payment/index.ts'
import {
  createReplication,
  type Replication,
  type ReplicationMemory,
  type ReplicationOptions,
  type RetentionStore,
} from '../replication/index.ts'
import {
  type ChunkStore,
  createStoreLanes,
  type Hash,
  ObservedChunkStore,
  type OutOfRangeTimers,
  type PaidList,
  type ScrubberDeps,
} from '../storage/index.ts'
import type { Transport } from '../transport/index.ts'
import type { Tuning } from './profile.ts'
import { VERSION } from './version.ts'

/** What every peer stands on. */
export interface PeerPorts {
  readonly transport: Transport
  readonly signer: Signer
  readonly verifier: Verifier
  readonly clock: Clock
  readonly random: Random
  readonly log: Logger
  readonly registry: Registry
}

export interface PeerSettings {
  readonly allowLoopback: boolean
  readonly seeds: readonly BootstrapSeed[]
  /** The rooms' own defaults without. */
  readonly tuning?: Partial<Pick<Tuning, 'network' | 'chunkServer' | 'client'>>
}

export interface WiredPeer {
  readonly network: Network & Startable
  readonly dht: DhtService
}

export interface WiredNode extends WiredPeer {
  readonly replication: Replication
  /** In start order. */
  readonly listening: readonly Startable[]
}

export interface StorageNodePorts extends PeerPorts {
  readonly store: ChunkStore
  readonly paidList: PaidList
  /** Commitments that were shown. */
  readonly retention: RetentionStore
  /** What replication knows of others and owes. */
  readonly memory: ReplicationMemory
  /** Since when keys are out of range. */
  readonly timers: OutOfRangeTimers
  readonly payment: PaymentVerifier
  /** BLAKE3 of chunk content. */
  readonly hash: Hash
  /** Open chunk content for audits. */
  readonly kernels: BlockKernels
  /** Reads the store's chunks now and then; what it finds corrupt is repaired. Nobody does without. */
  readonly scrubber?: (deps: Pick<ScrubberDeps, 'store'>) => Startable
  /** What the routing table remembers over restarts; nothing without. */
  readonly peerFiles?: PeerFiles
}

export interface StorageWiring extends PeerSettings {
  readonly limits: { readonly maxPerIp: number; readonly maxPerSubnet: number }
  readonly rewardsAddress?: string
  /** The network's numbers without. */
  readonly replication?: Partial<ReplicationOptions>
}

/** A storage node: `listening` in start order, then `dht`, which joins. */
export function wireStorageNode(ports: StorageNodePorts, wiring: StorageWiring): WiredNode {
  const { paidList, payment, clock, log, registry, signer, hash, kernels, random, timers } = ports
  const store = new ObservedChunkStore(ports.store)
  const lanes = createStoreLanes(store, { clock, registry })
  const { network, dht } = wirePeer(ports, wiring, 'node', { limits: wiring.limits, files: ports.peerFiles })
  const replication = createReplication(
    {
      ...{ network, dht, paidList, timers, payment, hash, kernels, clock, random, log, registry },
      ...{ store: lanes.background, auditStore: lanes.audit },
      ...{ signer, verifier: ports.verifier, retention: ports.retention, memory: ports.memory },
    },
    wiring.replication,
  )
  store.listener = replication
  const quoter = createQuoter({
    ...{ signer, clock, registry, commitments: replication.commitments },
    ...(wiring.rewardsAddress === undefined ? {} : { rewardsAddress: parseRewardsAddress(wiring.rewardsAddress) }),
  })
  const chunkServer = createChunkServer(
    {
      ...{ network, dht, store: lanes.client, payment, quoter, clock, log, registry, hash, freshChunks: replication },
    },
    wiring.tuning?.chunkServer,
  )
  // The store first: it holds the folder's lock. Handlers before the table: a peer may ask as soon as it knows us.
  // What it finds wrong is told by the store, as after any read.
  const scrubber = ports.scrubber?.({ store: lanes.scan })
  const rest = scrubber ? [scrubber] : []
  return { network, dht, replication, listening: [store, paidList, network, chunkServer, replication, ...rest] }
}

/** The table knows addresses and hears of faults, but stands on the network: the network gets it by these two ports. */
export function wirePeer(
  { transport, signer, verifier, clock, random, log, registry }: PeerPorts,
  { allowLoopback, seeds, tuning }: PeerSettings,
  role: 'node' | 'client',
  more: { readonly limits?: StorageWiring['limits']; readonly files?: PeerFiles | undefined },
): WiredPeer {
  let table: DhtService | undefined
  const addressBook: AddressBook = { addressesOf: (peer) => table?.addressesOf(peer) ?? [] }
  const faults: PeerFaultSink = { peerFault: (peer, fault) => table?.peerFault(peer, fault) }
  const network = createNetwork(
    { transport, clock, random, signer, verifier, log, registry, addressBook, faults },
    { ...tuning?.network, userAgent: `${role}/${VERSION}`, allowLoopback },
  )
  const dht = createDht(
    {
      ...{ network, clock, random, log, signer, verifier, registry },
      ...(more.files === undefined ? {} : { files: more.files }),
    },
    {
      role,
      allowLoopback,
      seeds,
      ...(more.limits ? { limits: more.limits } : {}),
    },
  )
  table = dht
  return { network, dht }
}
