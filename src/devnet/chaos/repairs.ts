/** How long chunks stay below the copies they should have (pure: time and counts are arguments). */
export interface CopiesSeen {
  /** Sound copies on nodes that are in. */
  readonly copies: number
  /** Seven, or all nodes that are in and take chunks, when those are fewer. */
  readonly target: number
}

interface Entry {
  /** It had its copies once. */
  spread: boolean
  /** Below since; undefined while it has them. */
  since: number | undefined
}

export interface RepairFigures {
  /** From falling below until all copies were back; undefined when none ever fell. */
  readonly slowestRepairMs: number | undefined
  readonly repairs: number
  /** From the confirmation until all copies were there for the first time. */
  readonly slowestSpreadMs: number | undefined
  /** Below now. */
  readonly below: number
  readonly longestOpenMs: number | undefined
}

export class Repairs {
  readonly #entries = new Map<string, Entry>()
  #repairs = 0
  #slowestRepair: number | undefined
  #slowestSpread: number | undefined

  confirmed(address: string, at: number): void {
    if (!this.#entries.has(address)) this.#entries.set(address, { spread: false, since: at })
  }

  note(address: string, { copies, target }: CopiesSeen, at: number): void {
    const entry = this.#entries.get(address)
    if (!entry) return
    if (copies < target) {
      entry.since ??= at
      return
    }
    if (entry.since === undefined) return
    const took = at - entry.since
    entry.since = undefined
    if (entry.spread) {
      this.#repairs++
      this.#slowestRepair = Math.max(this.#slowestRepair ?? 0, took)
    } else this.#slowestSpread = Math.max(this.#slowestSpread ?? 0, took)
    entry.spread = true
  }

  figures(at: number): RepairFigures {
    const open = [...this.#entries.values()].flatMap(({ since }) => (since === undefined ? [] : [at - since]))
    return {
      slowestRepairMs: this.#slowestRepair,
      repairs: this.#repairs,
      slowestSpreadMs: this.#slowestSpread,
      below: open.length,
      longestOpenMs: open.length === 0 ? undefined : open.reduce((most, ms) => Math.max(most, ms)),
    }
  }
}
