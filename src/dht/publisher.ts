/** Tells others our addresses: V1 and V2 with one sequence, signed anew only when the set changed (dht.md 13). */
import { type Clock, codeOf, type Logger, Semaphore } from '../base/index.ts'
import type { PeerConnection } from '../network/index.ts'
import {
  type DhtOperation,
  type PeerId,
  type SignedAddressRecord,
  short,
  TOPIC_DHT,
  TOPIC_DHT_ADDRESS,
  type TypedAddress,
} from '../protocol/index.ts'
import type { DhtOptions } from './options.ts'

export interface PublisherDeps {
  readonly clock: Clock
  readonly log: Logger
  addresses(): readonly TypedAddress[]
  sign(sequence: bigint, addresses: readonly TypedAddress[]): Promise<SignedAddressRecord>
  send(peer: PeerId, topic: string, operation: DhtOperation, signal: AbortSignal): Promise<void>
  /** One unit a recipient and publication, whatever of it could not be sent. */
  sendFailed(peer: PeerId): void
  /** The present connection of a peer: the same object as long as it lasts. */
  connectionOf(peer: PeerId): PeerConnection | undefined
  /** When the peer was sent a message of ours on that connection, whatever it said. */
  saidAt(connection: PeerConnection): number | undefined
  /** Never rejects; what comes of it is not our business here. */
  ping(peer: PeerId, signal: AbortSignal): Promise<unknown>
}

interface Told {
  readonly sequence: bigint
  readonly at: number
}

interface Current {
  readonly name: string
  readonly sequence: bigint
  readonly addresses: readonly TypedAddress[]
  record: Promise<SignedAddressRecord> | undefined
}

type PublisherOptions = Pick<DhtOptions, 'publicationsAtOnce' | 'publicationAgeMs' | 'keepAliveMs'>

export class Publisher {
  readonly #deps: PublisherDeps
  readonly #options: PublisherOptions
  readonly #permits: Semaphore
  /** What a peer was told last on a connection. */
  readonly #told = new WeakMap<PeerConnection, Told>()
  #current: Current | undefined

  constructor(deps: PublisherDeps, options: PublisherOptions) {
    this.#deps = deps
    this.#options = options
    this.#permits = new Semaphore(options.publicationsAtOnce, Number.MAX_SAFE_INTEGER)
  }

  /** The own signed record; undefined while there is no address to publish. */
  async record(): Promise<SignedAddressRecord | undefined> {
    const current = this.#refresh()
    return current && this.#signed(current)
  }

  /**
   * To those who may not have it: who was told on the connection that it still has has not forgotten it (dht.md 16, 6),
   * if it took it at all, which an hour later may be different. To the others a ping is enough when they have heard
   * nothing of us in a while, so that they keep us (15, 5).
   */
  async refresh(peers: readonly PeerId[], signal: AbortSignal): Promise<void> {
    const current = this.#refresh()
    if (!current) return
    const strangers: PeerId[] = []
    const silent: PeerId[] = []
    for (const peer of peers) {
      const connection = this.#deps.connectionOf(peer)
      if (!connection || !this.#wasTold(connection, current)) strangers.push(peer)
      else if (this.#wasSilentOn(connection)) silent.push(peer)
    }
    await Promise.all([
      this.publishTo(strangers, signal),
      ...silent.map((peer) => this.#permits.run(signal, () => this.#deps.ping(peer, signal))),
    ])
  }

  #wasTold(connection: PeerConnection, { sequence }: Current): boolean {
    const told = this.#told.get(connection)
    return told?.sequence === sequence && this.#deps.clock.monotonic() - told.at < this.#options.publicationAgeMs
  }

  #wasSilentOn(connection: PeerConnection): boolean {
    const { clock, saidAt } = this.#deps
    return clock.monotonic() - (saidAt(connection) ?? Number.NEGATIVE_INFINITY) >= this.#options.keepAliveMs
  }

  /** To each peer once, a few at a time. Resolves when all are sent or failed; an empty set is never published. */
  async publishTo(peers: readonly PeerId[], signal: AbortSignal): Promise<void> {
    const current = this.#refresh()
    if (!current || peers.length === 0) return
    const record = await this.#signed(current)
    await Promise.all(
      peers.map((peer) => this.#permits.run(signal, () => this.#publish(peer, current, record, signal))),
    )
  }

  async #publish(peer: PeerId, current: Current, record: SignedAddressRecord, signal: AbortSignal): Promise<void> {
    const { sequence } = current
    const addresses = current.addresses.filter(({ address }) => address.transport === 'quic')
    try {
      if (addresses.length > 0)
        await this.#deps.send(peer, TOPIC_DHT, { kind: 'publishAddressSet', sequence, addresses }, signal)
      await this.#deps.send(peer, TOPIC_DHT_ADDRESS, { kind: 'publishAddressSetV2', record }, signal)
      const connection = this.#deps.connectionOf(peer)
      if (connection) this.#told.set(connection, { sequence, at: this.#deps.clock.monotonic() })
    } catch (error) {
      if (signal.aborted) return
      this.#deps.log.debug('publication not sent', { peer: short(peer), error: codeOf(error) ?? error })
      this.#deps.sendFailed(peer)
    }
  }

  /** An unchanged set keeps sequence and signature; a changed one gets the clock, and always more than before. */
  #refresh(): Current | undefined {
    const addresses = this.#deps.addresses()
    if (addresses.length === 0) return undefined
    const name = addresses.map(({ address, type }) => `${address.text} ${type}`).join('\n')
    if (this.#current?.name === name) return this.#current
    const now = this.#deps.clock.nowNanos()
    const last = this.#current?.sequence ?? 0n
    const sequence = now > last ? now : last + 1n
    this.#current = { name, sequence, addresses, record: undefined }
    return this.#current
  }

  /** Signed when first needed. A signature that failed is not kept: the next publication tries again. */
  async #signed(current: Current): Promise<SignedAddressRecord> {
    current.record ??= this.#deps.sign(current.sequence, current.addresses)
    try {
      return await current.record
    } catch (error) {
      current.record = undefined
      throw error
    }
  }
}
