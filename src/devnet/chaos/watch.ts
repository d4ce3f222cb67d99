/** Looks at the copies of every confirmed chunk on the nodes' disks, again and again. */
import type { Clock } from '../../base/index.ts'
import { CLOSE_GROUP_SIZE } from '../../protocol/index.ts'
import type { ChunkFiles } from './chunk-files.ts'
import type { Repairs } from './repairs.ts'

/** Slots that are in trouble just now. */
export interface Standing {
  /** Cannot be read from. */
  readonly out: Set<number>
  /** Take no new chunk. */
  readonly full: Set<number>
}

/** Chunks that are looked at side by side. */
const SIDE_BY_SIDE = 8
const LEAST_PAUSE_MS = 500
/** Looking takes a tenth of the time at most. */
const SHARE = 10

export class CopiesWatch {
  readonly #files: ChunkFiles
  readonly #repairs: Repairs
  readonly #roots: () => readonly string[]
  readonly #standing: Standing
  readonly #clock: Clock
  /** Slots with a sound copy, as last seen. */
  readonly holders = new Map<string, ReadonlySet<number>>()
  #looking: Promise<void> | undefined

  constructor(
    parts: { files: ChunkFiles; repairs: Repairs; roots: () => readonly string[]; standing: Standing },
    clock: Clock,
  ) {
    this.#files = parts.files
    this.#repairs = parts.repairs
    this.#roots = parts.roots
    this.#standing = parts.standing
    this.#clock = clock
  }

  /** From now on these are looked at. */
  add(addresses: readonly string[]): void {
    const now = this.#clock.monotonic()
    for (const address of addresses) {
      this.#repairs.confirmed(address, now)
      if (!this.holders.has(address)) this.holders.set(address, new Set())
    }
  }

  /** One look that begins now. */
  async look(): Promise<void> {
    // One that runs already may have passed a chunk before it changed.
    await this.#looking
    this.#looking ??= this.#lookOnce().finally(() => {
      this.#looking = undefined
    })
    await this.#looking
  }

  async run(signal: AbortSignal, onLook: () => Promise<void>): Promise<void> {
    while (!signal.aborted) {
      const began = this.#clock.monotonic()
      await this.look()
      await onLook()
      const pause = Math.max(LEAST_PAUSE_MS, SHARE * (this.#clock.monotonic() - began))
      await this.#clock.sleep(pause, signal).catch(() => undefined)
    }
  }

  async #lookOnce(): Promise<void> {
    const addresses = [...this.holders.keys()]
    let next = 0
    const lane = async () => {
      while (next < addresses.length) await this.#lookAt(addresses[next++] as string)
    }
    await Promise.all(Array.from({ length: SIDE_BY_SIDE }, lane))
  }

  async #lookAt(address: string): Promise<void> {
    const roots = this.#roots()
    const holders = await this.#files.holders(roots, address)
    this.holders.set(address, holders)
    const { out, full } = this.#standing
    const copies = [...holders].filter((slot) => !out.has(slot)).length
    const taking = roots.filter((_, slot) => !out.has(slot) && !full.has(slot)).length
    this.#repairs.note(address, { copies, target: Math.min(CLOSE_GROUP_SIZE, taking) }, this.#clock.monotonic())
  }
}
