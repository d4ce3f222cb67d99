/** Nodes with the real DHT over a hub, on one virtual clock, with cheap signatures. */
import type { Random } from '../../../../src/base/index.ts'
import { silentLogger } from '../../../../src/base/index.ts'
import { backend } from '../../../../src/crypto/index.ts'
import { createDht, type DhtOptions, type DhtService, type PeerFiles } from '../../../../src/dht/index.ts'
import { type PeerId, peerIdOfPublicKey } from '../../../../src/protocol/index.ts'
import { SimWorld } from '../../../../src/sim/index.ts'
import { type HubNetwork, type HubOptions, NetworkHub } from './network-hub.ts'

export interface Member {
  readonly peer: PeerId
  readonly network: HubNetwork
  readonly dht: DhtService
}

export class DhtWorld {
  readonly world: SimWorld
  readonly hub: NetworkHub
  readonly members: Member[] = []

  constructor(seed: number, options: Partial<HubOptions> = {}) {
    this.world = new SimWorld({ seed, hash: backend() })
    this.hub = new NetworkHub(this.world.clock, this.world.random('hub'), options)
  }

  random(name: string): Random {
    return this.world.random(name)
  }

  /** A member in a /24 of its own unless an IP is given. */
  add(
    options: Partial<DhtOptions> = {},
    given: { ip?: string; port?: number; userAgent?: string; files?: PeerFiles; silent?: boolean } = {},
  ): Member {
    const index = this.members.length
    const signer = this.world.signer(`member ${index}`)
    const peer = peerIdOfPublicKey(signer.publicKey)
    const socket = { ip: given.ip ?? `21.${index >> 8}.${index & 255}.1`, port: given.port ?? 10_000 }
    const agent = given.userAgent ?? (options.role === 'client' ? 'client/test' : 'node/test')
    const network = this.hub.add(peer, socket, agent, signer.publicKey)
    // Bound to a wildcard it knows no address of its own, so it publishes none.
    if (given.silent) network.localAddress = { ...socket, ip: '0.0.0.0' }
    const dht = createDht(
      {
        ...{ network, clock: this.world.clock, random: this.world.random(`dht ${index}`), log: silentLogger, signer },
        verifier: this.world.signatures,
        ...(given.files ? { files: given.files } : {}),
      },
      options,
    )
    network.addressBook = (p) => dht.addressesOf(p)
    network.onFault = (p, fault) => dht.peerFault(p, fault)
    const member = { peer, network, dht }
    this.members.push(member)
    return member
  }

  run<T>(work: () => Promise<T>): Promise<T> {
    return this.world.run(work)
  }

  async stop(): Promise<void> {
    await this.run(async () => {
      await Promise.all(this.members.map(({ dht }) => dht.stop()))
    })
    await Promise.all(this.members.map(({ network }) => network.stop()))
  }
}
