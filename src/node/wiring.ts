/**
 * How the rooms fit together, over ports only: the same wiring runs real nodes (`storage-node.ts`) and whole simulated
 * networks on a virtual clock. That of a client, which needs more rooms, is `client-wiring.ts`.
 */
import type { Clock, Logger, Random, Registry, Startable } from '../base/index.ts'
import { createChunkServer } from '../chunk-server/index.ts'
import type { Signer, Verifier } from '../crypto/index.ts'
import { type BootstrapSeed, createDht, type DhtService, type PeerFiles } from '../dht/index.ts'
import { type AddressBook, createNetwork, type Network, type PeerFaultSink } from '../network/index.ts'
import { createQuoter, type PaymentVerifier, parseRewardsAddress } from '../payment/index.ts'
import { createReplication } from '../replication/index.ts'
import type { ChunkStore, Hash } from '../storage/index.ts'
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
  readonly tuning?: Pick<Tuning, 'network' | 'chunkServer' | 'client'>
}

export interface WiredPeer {
  readonly network: Network & Startable
  readonly dht: DhtService
}

export interface StorageNodePorts extends PeerPorts {
  readonly store: ChunkStore
  readonly payment: PaymentVerifier
  /** BLAKE3 of chunk content; default: on the calling thread. */
  readonly hash?: Hash
  /** What the routing table remembers over restarts; nothing without. */
  readonly peerFiles?: PeerFiles
}

export interface StorageWiring extends PeerSettings {
  readonly limits: { readonly maxPerIp: number; readonly maxPerSubnet: number }
  readonly rewardsAddress?: string
}

/** A storage node: `listening` in start order, then `dht`, which joins. */
export function wireStorageNode(
  ports: StorageNodePorts,
  wiring: StorageWiring,
): WiredPeer & { readonly listening: readonly Startable[] } {
  const { store, payment, clock, log, registry, signer } = ports
  const { network, dht } = wirePeer(ports, wiring, 'node', { limits: wiring.limits, files: ports.peerFiles })
  const quoter = createQuoter({
    ...{ signer, clock, registry },
    ...(wiring.rewardsAddress === undefined ? {} : { rewardsAddress: parseRewardsAddress(wiring.rewardsAddress) }),
  })
  const chunkServer = createChunkServer(
    {
      ...{ network, dht, store, payment, quoter, clock, log, registry },
      ...(ports.hash === undefined ? {} : { hash: ports.hash }),
    },
    wiring.tuning?.chunkServer,
  )
  const replication = createReplication({ network, store, log, registry })
  // The store first: it holds the folder's lock. Handlers before the table: a peer may ask as soon as it knows us.
  return { network, dht, listening: [store, network, chunkServer, replication] }
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
