/** What the node holds and lists as paid, by key order, with the view it judges by: the facts of the machines. */
import { type Logger, LruMap, messageOf } from '../../base/index.ts'
import type { ChunkAddress, PeerId } from '../../protocol/index.ts'
import type { ChunkStore, PaidList } from '../../storage/index.ts'
import { HintIndex } from './hint-index.ts'
import type { HintWalk, KeyVisitor } from './hint-walk.ts'
import { OwnView } from './own-view.ts'

export interface HoldingsDeps {
  readonly self: PeerId
  readonly store: ChunkStore
  readonly paidList: PaidList
  readonly log: Logger
  /** Members of the routing table. */
  peers(): readonly PeerId[]
  suspected(peer: PeerId): boolean
  /** Lets the event loop breathe between steps of a walk. */
  breathe(): Promise<void>
}

/** Regions and keys of one step: some milliseconds. */
const STEP = 2048
/** Paid entries read in one go at the start. */
const PAGE = 4096
/** Paid entries that no disk took, in memory; and how many of them are tried in one go. */
const MAX_UNWRITTEN = 131_072
const WRITTEN_AT_ONCE = 256

export class Holdings {
  readonly index = new HintIndex()
  readonly #deps: HoldingsDeps
  /** Learnt while the disk took nothing, and whether by a hint: not listed, and not forgotten. */
  readonly #unwritten = new LruMap<ChunkAddress, boolean>(MAX_UNWRITTEN)
  #view: OwnView | undefined
  #full = false

  constructor(deps: HoldingsDeps) {
    this.#deps = deps
  }

  /** Everything that is on disk. */
  async load(signal: AbortSignal): Promise<void> {
    const { paidList, store } = this.#deps
    let count = 0
    for (const key of store.keys()) {
      this.index.add(key, 'stored')
      if (++count % PAGE === 0) await this.pause(signal)
    }
    for (let after: ChunkAddress | undefined; ; ) {
      const page = paidList.page(after, PAGE)
      for (const key of page) this.index.add(key, 'paid')
      if (page.length < PAGE) break
      after = page.at(-1)
      await this.pause(signal)
    }
    this.index.loaded()
  }

  get view(): OwnView {
    return (this.#view ??= new OwnView(this.#deps.self, this.#deps.peers()))
  }
  /** The table changed. */
  viewChanged(): void {
    this.#view = undefined
  }
  suspected(peer: PeerId): boolean {
    return this.#deps.suspected(peer)
  }
  stored(key: ChunkAddress): boolean {
    return this.#deps.store.has(key)
  }
  paid(key: ChunkAddress): boolean {
    return this.index.has(key, 'paid')
  }
  get full(): boolean {
    return this.#full
  }
  /** Asks the disk whether it takes more: one that is full, read-only, failing or away does not. */
  async look(): Promise<void> {
    this.#full = (await this.#deps.store.capacity()) !== 'writable'
  }

  added(key: ChunkAddress): void {
    this.index.add(key, 'stored')
  }
  removed(key: ChunkAddress): void {
    this.index.remove(key, 'stored')
  }

  /**
   * Durable when it resolves. What the disk does not take waits for `relearnPaid`, since nobody tells it again for hours,
   * and is not listed until then. Hinted by a neighbour, it is no news for the others: who hinted it hints it to each of
   * the 20 that he knows.
   */
  async learnPaid(key: ChunkAddress, hinted = false): Promise<void> {
    if (!this.index.add(key, 'paid', !hinted)) return
    try {
      await this.#deps.paidList.insert(key)
      this.#unwritten.delete(key)
    } catch (error) {
      this.index.remove(key, 'paid')
      const level = this.#unwritten.size === 0 ? 'warn' : 'debug'
      this.#deps.log[level]('a paid entry could not be written: it waits', { key, error: messageOf(error) })
      this.#unwritten.set(key, hinted && (this.#unwritten.get(key) ?? true))
    }
  }
  /** Once more, until the disk refuses: it may take writes again. One is tried first, since a sick disk takes its time. */
  async relearnPaid(signal: AbortSignal): Promise<void> {
    for (let count = 1; this.#unwritten.size > 0; count = WRITTEN_AT_ONCE) {
      const page: [ChunkAddress, boolean][] = []
      for (const entry of this.#unwritten.entries()) if (page.push(entry) === count) break
      await Promise.all(page.map(([key, hinted]) => this.learnPaid(key, hinted)))
      if (page.every(([key]) => this.#unwritten.has(key))) return
      await this.pause(signal)
    }
  }
  /** Entries that wait for the disk. */
  get unwritten(): number {
    return this.#unwritten.size
  }
  async forgetPaid(keys: readonly ChunkAddress[]): Promise<void> {
    await this.#deps.paidList.removeBatch(keys)
    for (const key of keys) this.index.remove(key, 'paid')
  }

  /** Takes a walk in steps, to its end or until it is enough. */
  async walk(walk: HintWalk, visit: KeyVisitor, signal: AbortSignal, enough = () => false): Promise<void> {
    while (!walk.step(STEP, visit) && !enough()) await this.pause(signal)
  }

  /** Leaves the event loop to others. */
  async pause(signal: AbortSignal): Promise<void> {
    await this.#deps.breathe()
    signal.throwIfAborted()
  }
}
