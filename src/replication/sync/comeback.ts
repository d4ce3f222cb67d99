/**
 * What is owed without a hint: keys that were on a disk that came back without them, paid keys of our width that could
 * not be stored meanwhile (replication.md 23), and once an hour those of our close groups that we never got.
 */
import type { ChunkAddress } from '../../protocol/index.ts'
import type { DiskState } from '../../storage/index.ts'
import type { Parts } from '../parts.ts'

export interface ComebackDeps {
  readonly parts: Parts
  /** Held before, and not on the disk any more. */
  lost(key: ChunkAddress): void
  /** What is held is not what neighbours were told. */
  changed(): void
  /** The disk takes chunks again: what waits for that need not wait any more. */
  room(signal: AbortSignal): Promise<void>
  /** To be verified and fetched. */
  missed(keys: readonly ChunkAddress[]): void
}

/** Keys taken up in one go: some 3 ms. */
const PAGE = 512

export class Comeback {
  readonly #deps: ComebackDeps
  #away = false
  /** It was away, and takes writes since then or will. */
  #behind = false
  #ranAt = Number.NEGATIVE_INFINITY
  /** A later run is planned. */
  #planned = false

  constructor(deps: ComebackDeps) {
    this.#deps = deps
  }

  /** The result ends it. */
  watch(): () => void {
    const { store } = this.#deps.parts
    this.#away = store.disk === 'gone'
    return store.onDisk((state) => this.#changed(state))
  }

  #changed(state: DiskState): void {
    const { tasks } = this.#deps.parts
    const back = this.#away && state !== 'gone'
    this.#behind ||= back
    if (back) tasks.spawn('disk is back', (signal) => this.reconcile(signal))
    else if (state !== 'gone') tasks.spawn('disk is another', (signal) => this.#compare(signal))
    this.#away = state === 'gone'
    if (state !== 'writable') return
    // A disk at its edge is full and not full by turns; one that was away has missed what came meanwhile.
    if (this.#behind || this.#dueIn <= 0) tasks.spawn('room again', (signal) => this.catchUp(signal))
    else if (!this.#planned) tasks.spawn('room again', (signal) => this.#catchUpLater(signal))
    this.#behind = false
  }

  get #dueIn(): number {
    const { clock, options } = this.#deps.parts
    return this.#ranAt + options.capacityRetryMs - clock.monotonic()
  }

  async #catchUpLater(signal: AbortSignal): Promise<void> {
    const { clock, store } = this.#deps.parts
    this.#planned = true
    // It may catch up meanwhile, after an absence.
    while (this.#dueIn > 0) await clock.sleep(this.#dueIn, signal)
    this.#planned = false
    if (store.disk === 'writable') await this.catchUp(signal)
  }

  async run(signal: AbortSignal): Promise<void> {
    await Promise.all([this.#lookAround(signal), this.#rewrite(signal)])
  }

  /** The paid list may have been busy or ill for a moment in which the chunks were well. */
  async #rewrite(signal: AbortSignal): Promise<void> {
    const { clock, holdings, options, store } = this.#deps.parts
    for (;;) {
      await clock.sleep(options.capacityRetryMs, signal)
      if (store.disk !== 'gone' && store.disk !== 'failing') await holdings.relearnPaid(signal)
    }
  }

  /** Now and then: a hint may come too early, find no room or no quorum, and is not told again for hours. */
  async #lookAround(signal: AbortSignal): Promise<void> {
    const { clock, options, store } = this.#deps.parts
    for (;;) {
      await clock.sleep(options.catchUpMs, signal)
      await this.#compare(signal)
      if (store.disk === 'writable') await this.#missing(options.closeGroupSize, signal)
    }
  }

  /** The disk was away and may be another one now: what it holds is held, what it does not hold is lost. */
  async reconcile(signal: AbortSignal): Promise<void> {
    const { holdings, store } = this.#deps.parts
    await this.#found(signal)
    this.#deps.changed()
    for (let after: ChunkAddress | undefined; ; ) {
      const page = holdings.index.keysAfter(after, 'stored', PAGE)
      for (const key of page) if (!store.has(key)) this.#deps.lost(key)
      if (page.length < PAGE) return
      after = page.at(-1)
      await holdings.pause(signal)
    }
  }

  /** Names in doubt are held from the moment on in which their directory could be flushed, and nobody says when. */
  async #compare(signal: AbortSignal): Promise<void> {
    const { holdings, store } = this.#deps.parts
    if (store.disk !== 'gone' && store.size > holdings.index.count('stored')) await this.#found(signal)
  }

  /** What the store holds is held. */
  async #found(signal: AbortSignal): Promise<void> {
    const { holdings, store } = this.#deps.parts
    for (let after: ChunkAddress | undefined; ; ) {
      const page = store.keysAfter(after, PAGE)
      for (const key of page) holdings.added(key)
      if (page.length < PAGE) return
      after = page.at(-1)
      await holdings.pause(signal)
    }
  }

  /** Room again: what was learnt meanwhile is written down, and paid keys of the whole width are fetched. */
  async catchUp(signal: AbortSignal): Promise<void> {
    const { clock, holdings, options } = this.#deps.parts
    this.#ranAt = clock.monotonic()
    await holdings.relearnPaid(signal)
    await this.#deps.room(signal)
    await this.#missing(options.storageWidth, signal)
  }

  /** Paid keys for which self is among the `width` nearest, and that are not held. */
  async #missing(width: number, signal: AbortSignal): Promise<void> {
    const { holdings, options, self, store } = this.#deps.parts
    const keys: ChunkAddress[] = []
    const walk = holdings.index.keysFor(holdings.view, self, 'paid', width)
    const visit = (key: ChunkAddress) => store.has(key) || keys.push(key)
    await holdings.walk(walk, visit, signal, () => keys.length >= options.pendingEntries)
    while (keys.length > 0) {
      this.#deps.missed(keys.splice(-PAGE))
      await holdings.pause(signal)
    }
  }
}
