/** Clients and nodes that ask while things happen: gets, puts and lookups, counted when they are asked. */
import { equal, type Random, randomBelow } from '../../base/index.ts'
import type { Client } from '../../client/index.ts'
import { backend } from '../../crypto/index.ts'
import { type ChunkAddress, CLOSE_GROUP_SIZE, chunkAddressOf, keyOf } from '../../protocol/index.ts'
import type { SimHost } from '../../sim/index.ts'
import { Nearest } from '../nearest.ts'
import type { Tally } from '../samples.ts'
import type { Town } from './town.ts'

/** Of the seven nearest that live, so many must be found: as many as a put needs. */
const QUORUM = 4
const LOOKUP_COUNT = 20

type Count = { -readonly [Name in keyof Tally]: Tally[Name] }

interface Open {
  readonly count: Count
  /** Held weakly: what a node asked that died before the answer came is to be forgotten with it. */
  readonly asking: WeakRef<AbortController>
  /** Where a node asked, and in which of its boots. */
  readonly asker?: { readonly host: SimHost; readonly boot: number }
}

export class Asks {
  readonly gets: Count = { tried: 0, succeeded: 0, open: 0 }
  readonly puts: Count = { tried: 0, succeeded: 0, open: 0 }
  readonly lookups: Count = { tried: 0, succeeded: 0, open: 0 }
  readonly #town: Town
  readonly #client: Client
  readonly #dice: Random
  readonly #open = new Set<Open>()

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

  /** Any honest node looks for any key; where none lives, nothing is found. */
  lookup(): void {
    const { honest, live, net } = this.#town
    const { network } = net.world
    const node = honest[randomBelow(this.#dice, honest.length)]
    const target = chunkAddressOf(this.#dice.bytes(32))
    if (!node) {
      this.#count(this.lookups, async () => false)
      return
    }
    const reachable = live.filter(({ host }) => network.passes(node.host, host))
    const nearest = new Nearest(reachable).of(target, CLOSE_GROUP_SIZE)
    const look = async (signal: AbortSignal) => {
      const { closest } = await node.dht.lookup(keyOf(target), LOOKUP_COUNT, { signal })
      const found = new Set(closest.map(({ peer }) => peer))
      // Who died meanwhile or was cut off need not be found; nobody at all is no answer.
      const there = nearest.filter(({ host }) => network.passes(node.host, host))
      const hits = there.filter(({ peerId }) => found.has(peerId)).length
      return hits >= Math.max(1, Math.min(QUORUM, there.length))
    }
    this.#count(this.lookups, look, node.host)
  }

  /** Leaves out what was asked by machines that have died since: nobody waits for it. */
  forgetGone(): void {
    for (const open of this.#open) {
      if (!isGone(open)) continue
      this.#open.delete(open)
      open.count.tried--
      open.count.open--
    }
  }

  /** Nobody waits any longer; what is open stays so. */
  stop(): void {
    for (const { asking } of this.#open) asking.deref()?.abort()
  }

  #count(count: Count, ask: (signal: AbortSignal) => Promise<boolean>, host?: SimHost): void {
    const asking = new AbortController()
    const asker = host && { host, boot: host.boot }
    const open: Open = { count, asking: new WeakRef(asking), ...(asker && { asker }) }
    this.#open.add(open)
    count.tried++
    count.open++
    const settle = (succeeded: boolean) => {
      // Named here so that it lives as long as somebody may answer.
      if (asking.signal.aborted || !this.#open.delete(open)) return
      count.open--
      if (isGone(open)) count.tried--
      else if (succeeded) count.succeeded++
    }
    ask(asking.signal).then(settle, () => settle(false))
  }
}

function isGone({ asker }: Open): boolean {
  return asker !== undefined && !(asker.host.up && asker.host.boot === asker.boot)
}
