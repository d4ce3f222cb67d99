/** A peer without a DHT: sends what the test wants and keeps what comes back. */
import { never, randomUuid } from '../../../../src/base/index.ts'
import type { Signer } from '../../../../src/crypto/index.ts'
import {
  createAddressRecord,
  type DecodedDhtMessage,
  type DhtMessage,
  type DhtOperation,
  decodeDhtMessage,
  encodeDhtMessage,
  type PeerId,
  peerIdOfPublicKey,
  type SignedAddressRecord,
  TOPIC_DHT,
  TOPIC_DHT_ADDRESS,
  type TypedAddress,
  transportRecord,
} from '../../../../src/protocol/index.ts'
import type { HubNetwork } from './network-hub.ts'
import type { DhtWorld, Member } from './world.ts'

export class Probe {
  readonly peer: PeerId
  readonly network: HubNetwork
  readonly signer: Signer
  readonly received: { topic: string; message: DhtMessage; proofs: DecodedDhtMessage['proofs'] }[] = []
  /** What it answers to requests; silence by default. */
  answer: (message: DhtMessage) => DhtMessage | undefined = () => undefined
  readonly #world: DhtWorld

  constructor(world: DhtWorld, ip: string, userAgent = 'node/probe') {
    this.#world = world
    this.signer = world.world.signer(`probe ${ip}`)
    this.peer = peerIdOfPublicKey(this.signer.publicKey)
    this.network = world.hub.add(this.peer, { ip, port: 7000 }, userAgent, this.signer.publicKey)
    for (const topic of [TOPIC_DHT, TOPIC_DHT_ADDRESS]) {
      this.network.handle(topic, { maxBytes: 65_536 }, (data, { from }) => {
        const { message, proofs } = decodeDhtMessage(data)
        this.received.push({ topic, message, proofs })
        const reply = message.type === 'request' ? this.answer(message) : undefined
        if (reply) void this.network.send(from.peer, topic, encodeDhtMessage(reply), { signal: never })
      })
    }
  }

  connect({ network }: Member): Promise<unknown> {
    return this.#world.run(() => this.network.connectAddress(network.socket, { signal: never }))
  }

  /** One request; the replies that came within two seconds. */
  async ask(
    { peer }: Member,
    operation: DhtOperation,
    { topic = TOPIC_DHT, change = {} }: { topic?: string; change?: Partial<DhtMessage> } = {},
  ): Promise<{ topic: string; message: DhtMessage; proofs: DecodedDhtMessage['proofs'] }[]> {
    const messageId = randomUuid(this.#world.random('probe ids'))
    const message = { messageId, source: this.peer, target: peer, type: 'request' as const, operation }
    const bytes = encodeDhtMessage({ ...message, timestamp: 1, ttl: 10, hopCount: 0, ...change })
    await this.#world.run(() => this.network.send(peer, topic, bytes, { signal: never }))
    await this.#world.world.advance(2000)
    return this.received.filter(({ message: reply }) => reply.messageId === messageId)
  }

  sign(sequence: bigint, addresses: readonly TypedAddress[]): Promise<SignedAddressRecord> {
    return this.#world.run(() =>
      createAddressRecord({ sequence, records: addresses.map(transportRecord) }, this.signer),
    )
  }
}
