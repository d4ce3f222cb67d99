/** A peer of a simulated network without an engine of replication: identity, network and routing table only. */
import { Lifecycle, Registry, silentLogger } from '../../src/base/index.ts'
import type { Signer } from '../../src/crypto/index.ts'
import type { SimulatedDevnet } from '../../src/devnet/index.ts'
import { type WiredPeer, wirePeer } from '../../src/node/index.ts'
import { MAX_MESSAGE_BYTES, type PeerId, TOPIC_REPLICATION, TOPIC_SUBTREE_AUDIT } from '../../src/protocol/index.ts'
import type { SimHost } from '../../src/sim/index.ts'

const PORT = 10_000

export interface BarePeer {
  readonly wired: WiredPeer
  readonly lifecycle: Lifecycle
}

export interface BarePeerParts {
  readonly name: string
  readonly signer: Signer
  readonly host: SimHost
  /** A client is in nobody's routing table. */
  readonly role?: 'node' | 'client'
}

/** What it does with messages of replication. */
export interface Listening {
  request(data: Uint8Array, from: PeerId): Promise<Uint8Array | undefined>
  plain(data: Uint8Array, from: PeerId): void
}

/** Joins when its lifecycle starts. */
export function wireBarePeer(
  net: SimulatedDevnet,
  { name, signer, host, role = 'node' }: BarePeerParts,
  listening: Listening,
): BarePeer {
  const { world } = net
  const wired = wirePeer(
    {
      transport: host.createTransport({ port: PORT, publicKey: signer.publicKey }),
      ...{ signer, verifier: world.signatures, clock: host.clock, random: world.random(`dice of ${name}`) },
      ...{ log: silentLogger, registry: new Registry() },
    },
    { allowLoopback: false, seeds: net.seeds() },
    role,
    { limits: { maxPerIp: 2, maxPerSubnet: 5 } },
  )
  const { network, dht } = wired
  const limits = { maxBytes: MAX_MESSAGE_BYTES }
  for (const topic of [TOPIC_REPLICATION, TOPIC_SUBTREE_AUDIT])
    network.handleRequests(topic, limits, (data, { from }) => listening.request(data, from.peer))
  network.handle(TOPIC_REPLICATION, limits, (data, { from }) => listening.plain(data, from.peer))
  return { wired, lifecycle: new Lifecycle([network, dht]) }
}
