/** A storage node over real drivers: key file, UDP socket, chunk files. */
import { type Clock, Lifecycle, type Logger, Registry, systemRandom } from '../base/index.ts'
import { backend, blockKernels, contentHash, mlDsaVerifier } from '../crypto/index.ts'
import type { DhtService } from '../dht/index.ts'
import type { Network } from '../network/index.ts'
import { createFreeVerifier, createRequiredVerifier } from '../payment/index.ts'
import type { PeerId, SocketAddress } from '../protocol/index.ts'
import {
  type ChunkStore,
  createFileChunkStore,
  createLmdbPaidList,
  createOutOfRangeStore,
  createScrubber,
  nodeFileSystem,
  sentenceOf,
} from '../storage/index.ts'
import { createQuicTransport } from '../transport/index.ts'
import { FaultsFile } from './faults.ts'
import { HealthServer } from './health-server.ts'
import { loadOrCreateIdentity } from './identity-file.ts'
import { idleMemory } from './idle-memory.ts'
import { LoopDelay } from './loop-delay.ts'
import type { StorageNodeSettings } from './options.ts'
import { createPeerFiles } from './peer-files.ts'
import type { Tuning } from './profile.ts'
import { createReplicationMemory, createRetentionFiles } from './retention-files.ts'
import { StatusFile } from './status-file.ts'
import { VERSION } from './version.ts'
import { wireStorageNode } from './wiring.ts'

export interface StorageNodeOptions {
  readonly settings: StorageNodeSettings
  readonly clock: Clock
  readonly logger: Logger
  readonly passphrase?: string
  /** What the profile of this process says; the rooms' own defaults without. */
  readonly tuning?: Tuning
}

export interface StorageNode {
  readonly peerId: PeerId
  /** Bound address, after start. */
  readonly address: SocketAddress
  readonly network: Network
  readonly dht: DhtService
  readonly store: ChunkStore
  readonly registry: Registry
  start(signal: AbortSignal): Promise<void>
  stop(): Promise<void>
}

/** Loads or makes the identity in the root folder; everything else waits for `start`. */
export async function createStorageNode(options: StorageNodeOptions): Promise<StorageNode> {
  const { settings, clock, logger: log, tuning } = options
  const { rootDir, preset } = settings
  const identity = await loadOrCreateIdentity(rootDir, options.passphrase)
  const { signer, peerId } = identity
  const random = systemRandom
  const registry = new Registry()
  const verifier = mlDsaVerifier(backend())
  const hash = contentHash(backend())
  const kernels = blockKernels(backend())
  const transport = createQuicTransport({
    ...{ secretKey: identity.secretKey, bind: settings.bind, registry },
    ...(tuning && { options: tuning.quic }),
  })
  const faults = settings.developerFaults ? new FaultsFile(rootDir, { transport, clock, log }) : undefined
  const fileSystem = faults?.over(nodeFileSystem) ?? nodeFileSystem
  const store = createFileChunkStore(
    rootDir,
    { clock, random, log, registry, hash, fileSystem },
    { reserveBytes: settings.diskReserveBytes },
  )
  const paidList = createLmdbPaidList(rootDir, { log })
  const outOfRange = createOutOfRangeStore(rootDir, { clock, log })
  const peerFiles = createPeerFiles(fileSystem, rootDir)
  const retention = createRetentionFiles(fileSystem, rootDir)
  const payment =
    settings.payment === 'free' ? createFreeVerifier(verifier, { registry }) : createRequiredVerifier({ registry })
  const { network, dht, listening } = wireStorageNode(
    {
      transport,
      signer,
      verifier,
      clock,
      random,
      log,
      registry,
      store,
      payment,
      hash,
      kernels,
      peerFiles,
      paidList,
      timers: outOfRange.timers,
      retention,
      memory: createReplicationMemory(nodeFileSystem, rootDir),
      scrubber: (deps) => createScrubber(rootDir, { ...deps, clock, log, registry }, tuning?.scrubber),
    },
    {
      allowLoopback: preset.allowLoopback,
      limits: { maxPerIp: preset.maxPerIp, maxPerSubnet: preset.maxPerSubnet },
      seeds: settings.seeds.map((address) => ({ address })),
      ...(tuning && { tuning }),
      ...(settings.rewardsAddress === undefined ? {} : { rewardsAddress: settings.rewardsAddress }),
    },
  )
  if (options.passphrase !== undefined && !identity.sealed)
    log.child('node').warn('the identity file is not protected: the passphrase is not used', { root: rootDir })
  const startedAt = clock.now()
  const health = () => healthOf({ peerId, startedAt, clock, network, dht, store })
  const statusFile = new StatusFile(rootDir, {
    ...{ store, log: log.child('node') },
    facts: () => ({ peerId, address: transport.localAddress, startedAt, disk: store.disk }),
  })
  const { metricsPort } = settings
  const monitor =
    metricsPort === 0 ? [] : [new LoopDelay(registry), new HealthServer(metricsPort, { health }, registry)]
  const parts = [...monitor, outOfRange, ...listening, ...(faults ? [faults] : []), statusFile, dht, idleMemory(clock)]
  const lifecycle = new Lifecycle(parts)
  return {
    ...{ peerId, network, dht, store, registry },
    get address() {
      return transport.localAddress
    },
    async start(signal) {
      await lifecycle.start(signal)
      const { payment: paid, mode } = settings
      log.child('node').info('node started', {
        peer: peerId,
        address: transport.localAddress,
        root: rootDir,
        mode,
        payment: paid,
        chunks: store.size,
        peers: dht.tableSize,
      })
    },
    async stop() {
      await lifecycle.stop()
      log.child('node').info('node stopped', { peer: peerId })
    },
  }
}

interface HealthParts {
  readonly peerId: PeerId
  readonly startedAt: number
  readonly clock: Clock
  readonly network: Network
  readonly dht: DhtService
  readonly store: ChunkStore
}

/** Field names of operations.md 6. */
function healthOf({ peerId, startedAt, clock, network, dht, store }: HealthParts): Record<string, unknown> {
  const stats = store.stats()
  return {
    peer_id: peerId,
    version: VERSION,
    uptime_secs: Math.floor((clock.now() - startedAt) / 1000),
    bootstrapped: dht.bootstrapped,
    peer_count: network.connections().length,
    routing_table_size: dht.tableSize,
    storage_enabled: true,
    disk_state: store.disk,
    disk_message: sentenceOf(store.disk),
    chunks_current: stats.currentChunks,
    chunks_written_total: stats.chunksStored,
    bytes_written_total: stats.bytesStored,
    chunks_served_total: stats.chunksRetrieved,
    bytes_served_total: stats.bytesRetrieved,
  }
}
