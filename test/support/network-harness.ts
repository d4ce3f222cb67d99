/** Networks over any transport driver, for tests. Memory and sim run in virtual time, QUIC in real time. */
import {
  type Clock,
  Registry,
  type Startable,
  seededRandom,
  silentLogger,
  systemClock,
  utf8,
} from '../../src/base/index.ts'
import { backend, mlDsaSigner, mlDsaVerifier, type Signer, type Verifier } from '../../src/crypto/index.ts'
import { createNetwork, type Network, type NetworkDeps, type NetworkOptions } from '../../src/network/index.ts'
import {
  ADDRESS_TYPE,
  type PeerId,
  quicMultiaddr,
  type SocketAddress,
  type TypedAddress,
} from '../../src/protocol/index.ts'
import { type SimHost, SimWorld, uniformLatency } from '../../src/sim/index.ts'
import { createMemoryHub, createQuicTransport, type Transport } from '../../src/transport/index.ts'

export interface TestNode {
  readonly network: Network & Startable
  readonly transport: Transport
  readonly registry: Registry
  readonly signer: Signer
  readonly faults: { peer: PeerId; fault: string }[]
  readonly host: SimHost | undefined
}

export interface NodeConfig {
  readonly port?: number
  readonly options?: Partial<NetworkOptions>
  readonly deps?: Partial<NetworkDeps>
  readonly signer?: Signer
  readonly host?: SimHost
}

export interface Harness {
  readonly name: string
  readonly seed: number
  readonly clock: Clock
  readonly verifier: Verifier
  signer(name: string): Signer
  node(name: string, config?: NodeConfig): TestNode
  transport(signer: Signer, config?: { port?: number; host?: SimHost }): Transport
  /** Stops whatever was made here, so that a failed test leaves no socket behind. */
  cleanup(): Promise<void>
  /** Runs work in the time of this harness. */
  run<T>(work: () => Promise<T>): Promise<T>
  /** Lets what is under way arrive: virtual time runs for 5 s; real time until the condition holds, 20 s at most. */
  settle(until: () => boolean): Promise<void>
}

export const SEED = Number(process.env['TEST_SEED'] ?? 20261121)

export function simHarness(
  config: { seed?: number; latencyMs?: number; keepTrace?: number } = {},
): Harness & { world: SimWorld } {
  const seed = config.seed ?? SEED
  const world = new SimWorld({
    seed,
    hash: backend(),
    latency: uniformLatency(config.latencyMs ?? 20, 0.1),
    ...(config.keepTrace === undefined ? {} : { keepTrace: config.keepTrace }),
  })
  const transport: Harness['transport'] = (signer, { port = 0, host = world.network.addHost() } = {}) =>
    host.createTransport({ port, publicKey: signer.publicKey })
  const harness = virtualHarness('sim', world, transport)
  return {
    ...harness,
    world,
    node: (name, config = {}) => {
      const host = config.host ?? world.network.addHost()
      return harness.node(name, { ...config, host, deps: { clock: host.clock, ...config.deps } })
    },
  }
}

export function memoryHarness(seed = SEED): Harness {
  const world = new SimWorld({ seed, hash: backend() })
  const hub = createMemoryHub({ clock: world.clock })
  return virtualHarness('memory', world, (signer, { port = 0 } = {}) =>
    hub.createTransport({ address: { ip: '127.0.0.1', port }, publicKey: signer.publicKey }),
  )
}

function virtualHarness(name: string, world: SimWorld, transport: Harness['transport']): Harness {
  const harness: Harness = {
    name,
    seed: world.seed,
    clock: world.clock,
    verifier: world.signatures,
    signer: (name) => world.signer(name),
    transport,
    node: (name, config = {}) => buildNode(harness, name, config),
    run: (work) => world.run(work, { limitMs: 3_600_000 }),
    settle: () => world.advance(5_000),
    cleanup: async () => undefined,
  }
  return harness
}

/** Real sockets on loopback, real signatures, real time; only where `quicAvailability` says so. */
export function quicHarness(): Harness {
  const seeds = new Map<Signer, Uint8Array>()
  const made: Startable[] = []
  const harness: Harness = {
    name: 'quic',
    seed: SEED,
    clock: systemClock,
    verifier: mlDsaVerifier(backend()),
    signer: (name) => {
      const seed = backend().blake3(utf8(`${SEED} ${name}`))
      const signer = mlDsaSigner({ seed }, backend())
      seeds.set(signer, seed)
      return signer
    },
    transport: (signer, { port = 0 } = {}) => {
      const secretKey = seeds.get(signer) as Uint8Array
      const transport = createQuicTransport({ secretKey, bind: { ip: '127.0.0.1', port } })
      made.push(transport)
      return transport
    },
    node: (name, config = {}) => {
      // Loopback answers at once, so waiting for nobody may be short.
      const options = { dialTimeoutMs: 1500, identityWaitMs: 3000, ...config.options }
      const node = buildNode(harness, name, { ...config, options })
      made.push(node.network)
      return node
    },
    cleanup: async () => void (await Promise.all(made.map((each) => each.stop()))),
    run: (work) => work(),
    settle: async (until) => {
      const end = systemClock.monotonic() + 20_000
      while (!until() && systemClock.monotonic() < end) await new Promise((resolve) => setTimeout(resolve, 5))
    },
  }
  return harness
}

export function buildNode(harness: Harness, name: string, config: NodeConfig): TestNode {
  const signer = config.signer ?? harness.signer(name)
  const transport = config.deps?.transport ?? harness.transport(signer, config)
  const registry = new Registry()
  const faults: TestNode['faults'] = []
  const network = createNetwork(
    {
      transport,
      clock: harness.clock,
      random: seededRandom(harness.seed),
      signer,
      verifier: harness.verifier,
      log: silentLogger,
      registry,
      faults: { peerFault: (peer, fault) => void faults.push({ peer, fault }) },
      ...config.deps,
    },
    { userAgent: 'node/test', allowLoopback: true, ...config.options },
  )
  return { network, transport, registry, signer, faults, host: config.host }
}

/** The address as a peer would publish it. */
export function published(...sockets: readonly SocketAddress[]): TypedAddress[] {
  return sockets.map((socket) => {
    const lan = socket.ip.startsWith('127.')
    return { address: quicMultiaddr(socket), type: lan ? ADDRESS_TYPE.lan : ADDRESS_TYPE.direct }
  })
}

/** One value of the Prometheus text, e.g. `myrmex_network_dials_total{outcome="failed"}`; 0 when it is not there. */
export function metric(registry: Registry, series: string): number {
  const line = registry
    .render()
    .split('\n')
    .find((line) => line.startsWith(`${series} `))
  return line === undefined ? 0 : Number(line.slice(series.length + 1))
}
