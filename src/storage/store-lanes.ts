/**
 * Who may use the disk first: audits that are due in seconds and clients at once, the work in the background when they
 * leave room, reading through it last. Node's file operations and large hashes share the same four threads in the order
 * in which they come, so what is not begun is the only thing that can give way.
 */
import {
  type Clock,
  codeOf,
  LaneGate,
  type LaneLimits,
  type LaneTable,
  never,
  Registry,
  resolveOptions,
  second,
} from '../base/index.ts'
import type { ChunkAddress } from '../protocol/index.ts'
import type { ChunkCheck, ChunkStore, PutOutcome } from './chunk-store.ts'
import { StorageError } from './errors.ts'
import { ForwardingChunkStore } from './forwarding-chunk-store.ts'
import type { HashedContent } from './hash.ts'

/** Highest first. */
export type StoreLane = 'audit' | 'client' | 'background' | 'scan'
export type StoreLaneOptions = LaneTable<StoreLane>

const NONE = Number.POSITIVE_INFINITY
/** Bounded by whoever starts them; a load is an operation. */
const atOnce: LaneLimits = {
  ...{ waiting: 4096, load: NONE, ownerLoad: NONE, holdMs: NONE, presses: true, patienceMs: 0, share: 1 },
}

export const storeLaneDefaults: StoreLaneOptions = Object.freeze({
  restMs: 0,
  calmMs: 0, // an operation takes milliseconds: nothing of the past matters
  lanes: Object.freeze({
    audit: atOnce,
    client: atOnce,
    // Half of Node's threads; four a second beside readers that never pause, and one for eight of theirs.
    background: { ...atOnce, load: 2, patienceMs: 0.25 * second, share: 1 / 8 },
    scan: { ...atOnce, waiting: 16, load: 1, presses: false, patienceMs: second, share: 1 / 64 },
  }),
})

export interface StoreLanesDeps {
  readonly clock: Clock
  readonly registry?: Registry
}

/** One store, seen by each kind of user. `start` and `stop` of all of them are the store's. */
export function createStoreLanes(
  store: ChunkStore,
  { clock, registry = new Registry() }: StoreLanesDeps,
  options?: Partial<StoreLaneOptions>,
): Readonly<Record<StoreLane, ChunkStore>> {
  const table = resolveOptions('storage', storeLaneDefaults, options)
  const waiting = registry.gauge('myrmex_storage_lane_waiting', 'Operations that wait for their turn')
  const running = registry.gauge('myrmex_storage_lane_running', 'Operations under way')
  const gate = new LaneGate<StoreLane>(
    {
      clock,
      changed: (lane, figures) => {
        waiting.set(figures.waiting, { lane })
        running.set(figures.moving, { lane })
      },
    },
    table,
  )
  const seenBy = (lane: StoreLane) => new LanedChunkStore(store, gate, lane)
  return {
    ...{ audit: seenBy('audit'), client: seenBy('client'), background: seenBy('background'), scan: seenBy('scan') },
  }
}

/** Also throws STORAGE_BUSY: too many operations wait in the lane. */
class LanedChunkStore extends ForwardingChunkStore {
  readonly #gate: LaneGate<StoreLane>
  readonly #lane: StoreLane

  constructor(store: ChunkStore, gate: LaneGate<StoreLane>, lane: StoreLane) {
    super(store)
    this.#gate = gate
    this.#lane = lane
  }

  override get(address: ChunkAddress): Promise<Uint8Array | undefined> {
    return this.#inTurn(() => this.store.get(address))
  }
  override put(address: ChunkAddress, content: Uint8Array | HashedContent): Promise<PutOutcome> {
    return this.#inTurn(() => this.store.put(address, content))
  }
  override repair(
    address: ChunkAddress,
    content: Uint8Array | HashedContent,
  ): Promise<'absent' | 'duplicate' | 'repaired'> {
    return this.#inTurn(() => this.store.repair(address, content))
  }
  override delete(address: ChunkAddress): Promise<boolean> {
    return this.#inTurn(() => this.store.delete(address))
  }
  override check(address: ChunkAddress): Promise<ChunkCheck> {
    return this.#inTurn(() => this.store.check(address))
  }

  /** Operations are short and none is given up, so nobody waits for ever. */
  async #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const leave = await this.#enter()
    try {
      return await work()
    } finally {
      leave()
    }
  }

  async #enter(): Promise<() => void> {
    try {
      return await this.#gate.enter(this.#lane, { weight: 1, owner: '' }, never)
    } catch (cause) {
      if (codeOf(cause) !== 'LANE_FULL') throw cause
      throw new StorageError('STORAGE_BUSY', `too many operations wait in the lane ${this.#lane}`, { cause })
    }
  }
}
