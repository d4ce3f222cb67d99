/** Clients and nodes that ask while things happen: gets, puts and lookups, counted when they are answered. */
import { equal, type Random, randomBelow } from '../../base/index.ts'
import type { Client } from '../../client/index.ts'
import { backend } from '../../crypto/index.ts'
import { type ChunkAddress, CLOSE_GROUP_SIZE, chunkAddressOf, keyOf } from '../../protocol/index.ts'
import { Nearest } from '../nearest.ts'
import type { Town } from './town.ts'

/** Of the seven nearest that live, so many must be found: as many as a put needs. */
const QUORUM = 4
const LOOKUP_COUNT = 20

interface Count {
  tried: number
  succeeded: number
}

export class Asks {
  readonly gets: Count = { tried: 0, succeeded: 0 }
  readonly puts: Count = { tried: 0, succeeded: 0 }
  readonly lookups: Count = { tried: 0, succeeded: 0 }
  readonly #town: Town
  readonly #client: Client
  readonly #dice: Random
  /** Held weakly: what a node asked that died before the answer came is to be forgotten with it. */
  readonly #open = new Set<WeakRef<AbortController>>()

  constructor(town: Town, client: Client) {
    this.#town = town
    this.#client = client
    this.#dice = town.net.world.random('asks')
  }

  /** A chunk that was stored, any of them. */
  get(): void {
    const { chunks } = this.#town
    if (chunks.length === 0) return
    const address = chunks[randomBelow(this.#dice, chunks.length)] as ChunkAddress
    this.#count(this.gets, async (signal) =>
      equal(backend().blake3(await this.#client.getChunk(address, { signal })), keyOf(address)),
    )
  }

  put(): void {
    this.#count(this.puts, () => this.#town.put(this.#client))
  }

  /** Any honest node looks for any key. */
  lookup(): void {
    const { honest, live } = this.#town
    const node = honest[randomBelow(this.#dice, honest.length)]
    const target = chunkAddressOf(this.#dice.bytes(32))
    if (!node) return
    const nearest = new Nearest(live).of(target, CLOSE_GROUP_SIZE)
    this.#count(this.lookups, async (signal) => {
      const { closest } = await node.dht.lookup(keyOf(target), LOOKUP_COUNT, { signal })
      const found = new Set(closest.map(({ peer }) => peer))
      // Who died meanwhile or is cut off need not be found.
      const { network } = this.#town.net.world
      const there = nearest.filter(({ host }) => network.passes(node.host, host))
      return there.filter(({ peerId }) => found.has(peerId)).length >= Math.min(QUORUM, there.length)
    })
  }

  /** What is still asked is let go of and not counted. */
  stop(): void {
    for (const asking of this.#open) asking.deref()?.abort()
  }

  #count(count: Count, ask: (signal: AbortSignal) => Promise<boolean>): void {
    const asking = new AbortController()
    const open = new WeakRef(asking)
    this.#open.add(open)
    const settle = (succeeded: boolean) => {
      this.#open.delete(open)
      // Named here so that it lives as long as somebody may answer.
      if (asking.signal.aborted) return
      count.tried++
      if (succeeded) count.succeeded++
    }
    ask(asking.signal).then(settle, () => settle(false))
  }
}
