/** Who does not hear whom just now. Kept by slots, written as ports into the faults of one end, and again when a slot gets another port. */
import { type Faults, NO_FAULTS } from '../../node/index.ts'

interface Cut {
  readonly others: readonly number[]
  /** Only what goes to the others is lost. */
  readonly oneWay: boolean
}

export interface CutsPorts {
  readonly portOf: (slot: number) => number
  readonly write: (slot: number, faults: Faults) => Promise<void>
}

export class Cuts {
  readonly #cuts = new Map<number, Cut>()
  readonly #ports: CutsPorts
  /** One write after the other: an old list must not come after a newer one. */
  #writing: Promise<void> = Promise.resolve()

  constructor(ports: CutsPorts) {
    this.#ports = ports
  }

  cut(slot: number, others: readonly number[], oneWay: boolean): Promise<void> {
    this.#cuts.set(slot, { others, oneWay })
    return this.#write(slot)
  }

  mend(slot: number): Promise<void> {
    this.#cuts.delete(slot)
    return this.#write(slot)
  }

  /** Another node, with another port and folder, is in this slot: it is cut off as the one before. */
  async renew(slot: number): Promise<void> {
    const touched = [...this.#cuts].filter(([own, { others }]) => own === slot || others.includes(slot))
    await Promise.all(touched.map(([own]) => this.#write(own)))
  }

  #write(slot: number): Promise<void> {
    const written = this.#writing.then(() => {
      const cut = this.#cuts.get(slot)
      if (!cut) return this.#ports.write(slot, NO_FAULTS)
      const ports = cut.others.map((other) => this.#ports.portOf(other))
      return this.#ports.write(slot, { ...NO_FAULTS, cut_to: ports, cut_from: cut.oneWay ? [] : ports })
    })
    this.#writing = written.catch(() => undefined)
    return written
  }
}
