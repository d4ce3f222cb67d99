/** Looks at a network from outside and takes its figures. Changes nothing. */
import type { ChunkAddress } from '../../protocol/index.ts'
import { type Copies, copiesOf, type Sample, type Traffic, type Trust } from '../samples.ts'
import type { Asks } from './asks.ts'
import { Autopsy } from './autopsy.ts'
import { copiesOn } from './chunk-files.ts'
import { some, type Town } from './town.ts'

/** Nodes whose opinion is asked in one sample. */
const OBSERVERS = 20
const NEUTRAL = 0.5

export class Probe {
  readonly #town: Town
  readonly #asks: Asks
  readonly #dice
  readonly #indexes = new Map<ChunkAddress, number>()
  /** What building the network cost is left out. */
  readonly #before: Traffic
  readonly #autopsy: Autopsy

  constructor(town: Town, asks: Asks) {
    this.#town = town
    this.#asks = asks
    this.#dice = town.net.world.random('probe')
    this.#before = town.traffic.read()
    this.#autopsy = new Autopsy(town)
  }

  sample(at: number): Sample {
    const { live, traffic } = this.#town
    const counts = this.#counts()
    this.#autopsy.look(at, counts)
    const pending = live.map(({ replication }) => replication.pending)
    return {
      ...{
        at,
        live: live.length,
        copies: copiesOf(counts),
        traffic: since(traffic.read(), this.#before),
        trust: this.#trust(),
      },
      ...{ gets: { ...this.#asks.gets }, puts: { ...this.#asks.puts }, lookups: { ...this.#asks.lookups } },
      queued: pending.reduce((sum, count) => sum + count, 0),
      queuedMost: pending.reduce((most, count) => Math.max(most, count), 0),
    }
  }

  copies(): Copies {
    return copiesOf(this.#counts())
  }

  /** Of each chunk, in their order. */
  #counts(): Uint16Array {
    const { chunks, honest } = this.#town
    for (let i = this.#indexes.size; i < chunks.length; i++) this.#indexes.set(chunks[i] as ChunkAddress, i)
    const counts = new Uint16Array(chunks.length)
    for (const node of honest) {
      for (const address of copiesOn(node)) {
        const index = this.#indexes.get(address)
        if (index !== undefined) counts[index] = (counts[index] as number) + 1
      }
    }
    return counts
  }

  /** Strangers are left out: nobody has an opinion of them. */
  #trust(): Trust {
    const { honest, live } = this.#town
    const [ofHonest, ofFull, ofLiars] = [new Mean(), new Mean(), new Mean()]
    for (const observer of some(this.#dice, honest, OBSERVERS)) {
      const known = new Set(observer.dht.peers())
      for (const node of live) {
        if (node === observer) continue
        const score = observer.dht.trustOf(node.peerId)
        if (score === NEUTRAL && !known.has(node.peerId)) continue
        const { lie, full } = this.#town.roleOf(node)
        const mean = lie !== undefined ? ofLiars : full ? ofFull : ofHonest
        mean.add(score)
      }
    }
    return { ofHonest: ofHonest.value, ofFull: ofFull.value, ofLiars: ofLiars.value }
  }
}

class Mean {
  #sum = 0
  #count = 0
  add(value: number): void {
    this.#sum += value
    this.#count++
  }
  get value(): number {
    return this.#sum / this.#count
  }
}

function since(now: Traffic, before: Traffic): Traffic {
  return {
    repairBytes: now.repairBytes - before.repairBytes,
    freshBytes: now.freshBytes - before.freshBytes,
    talkBytes: now.talkBytes - before.talkBytes,
    dhtBytes: now.dhtBytes - before.dhtBytes,
    clientBytes: now.clientBytes - before.clientBytes,
    messages: now.messages - before.messages,
  }
}
