/** A client on the network: an identity for this run, a connection to the DHT, the put and get walks. Stores nothing. */
import { type Clock, Lifecycle, type Logger, Registry, silentLogger, systemRandom } from '../base/index.ts'
import { type Client, createLocalFiles } from '../client/index.ts'
import { computeMetrics, createPiscinaCompute } from '../compute/index.ts'
import { backend, mlDsaVerifier } from '../crypto/index.ts'
import type { DhtService } from '../dht/index.ts'
import type { Network } from '../network/index.ts'
import { createLocalPayer } from '../payment/index.ts'
import { isLoopback, type Multiaddr } from '../protocol/index.ts'
import { createQuicTransport } from '../transport/index.ts'
import { wireClient } from './client-wiring.ts'
import { generateIdentity } from './identity.ts'
import type { Tuning } from './profile.ts'

export interface ClientNodeOptions {
  readonly seeds: readonly Multiaddr[]
  readonly allowLoopback: boolean
  readonly clock: Clock
  readonly logger?: Logger
  /** What the profile of this process says; the rooms' own defaults without. */
  readonly tuning?: Tuning
}

export interface ClientNode {
  readonly client: Client
  readonly network: Network
  readonly dht: DhtService
  start(signal: AbortSignal): Promise<void>
  stop(): Promise<void>
}

export function createClientNode(options: ClientNodeOptions): ClientNode {
  const { clock, allowLoopback, logger: log = silentLogger, tuning } = options
  const identity = generateIdentity()
  const { signer } = identity
  const registry = new Registry()
  // One thread of a lane seals 100 MB/s and opens 1000 MB/s: more than a line carries. Each more costs 40 MiB.
  const lanes = { ...tuning?.compute, threads: 1 }
  const compute = createPiscinaCompute({ clock, metrics: computeMetrics(registry) }, lanes)
  const bindIp = options.seeds.every(isLoopback) ? '127.0.0.1' : '0.0.0.0'
  const transport = createQuicTransport({
    ...{ secretKey: identity.secretKey, bind: { ip: bindIp, port: 0 }, registry },
    ...(tuning && { options: tuning.quic }),
  })
  const seeds = options.seeds.flatMap(({ socket, peerId }) =>
    socket ? [{ address: socket, ...(peerId ? { expected: peerId } : {}) }] : [],
  )
  const { client, network, dht, parts } = wireClient(
    {
      transport,
      signer,
      verifier: mlDsaVerifier(backend()),
      clock,
      random: systemRandom,
      log,
      registry,
      payer: createLocalPayer(signer, clock),
      compute,
      files: createLocalFiles({ random: systemRandom }),
    },
    { allowLoopback, seeds, ...(tuning && { tuning }) },
  )
  const lifecycle = new Lifecycle(parts)
  return {
    ...{ client, network, dht },
    start: (signal) => lifecycle.start(signal),
    async stop() {
      await lifecycle.stop()
      await compute.stop()
    },
  }
}
