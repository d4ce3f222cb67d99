/**
 * Whether a write may begin (pure: free space is measured by an argument). Free space is asked at most every few
 * seconds; what was written since and what is being written counts against it. Only a passing cached figure is
 * trusted, a failing one is measured again, so space that was freed is usable at once (storage.md 7).
 */
import type { Clock } from '../base/index.ts'

const BLOCK_BYTES = 4096

/** Disk blocks of a chunk file of this length, and one for its directory entry. */
export function chargeOf(lengthBytes: number): number {
  return Math.ceil(lengthBytes / BLOCK_BYTES) * BLOCK_BYTES + BLOCK_BYTES
}

export interface SpaceDeps {
  readonly clock: Clock
  /** Free bytes now; a rejection means that they are not known. */
  measure(): Promise<number>
}

export type Reservation =
  | {
      readonly kind: 'granted' /** Call once: `written` says whether the bytes are on disk now. */
      end(written: boolean): void
    }
  | { readonly kind: 'full'; readonly free: number }
  | { readonly kind: 'unknown'; readonly cause: unknown }

interface Measurement {
  readonly free: number
  readonly at: number
  /** Value of `#written` when the measurement began. */
  readonly written: number
}

export class Space {
  readonly #deps: SpaceDeps
  readonly #options: { readonly reserveBytes: number; readonly maxAgeMs: number }
  #last: Measurement | undefined
  #measuring: Promise<Measurement> | undefined
  /** Charges of all finished writes since creation. */
  #written = 0
  #inFlight = 0

  constructor(deps: SpaceDeps, options: { readonly reserveBytes: number; readonly maxAgeMs: number }) {
    this.#deps = deps
    this.#options = options
  }

  /** Reserves room for a chunk of this length. */
  async reserve(lengthBytes: number): Promise<Reservation> {
    const charge = chargeOf(lengthBytes)
    // Deciding and booking happen in one synchronous step: nobody else may come between.
    const book = (): Reservation => {
      this.#inFlight += charge
      return {
        kind: 'granted',
        end: (written) => {
          this.#inFlight -= charge
          if (written) this.#written += charge
        },
      }
    }
    if (this.#cachedFits(charge)) return book()
    try {
      const fresh = await this.#measure()
      return this.#fits(fresh, charge) ? book() : { kind: 'full', free: fresh.free }
    } catch (cause) {
      return { kind: 'unknown', cause }
    }
  }

  async admits(lengthBytes: number): Promise<'writable' | 'full' | 'unknown'> {
    const charge = chargeOf(lengthBytes)
    if (this.#cachedFits(charge)) return 'writable'
    try {
      return this.#fits(await this.#measure(), charge) ? 'writable' : 'full'
    } catch {
      return 'unknown'
    }
  }

  #cachedFits(charge: number): boolean {
    const last = this.#last
    if (!last || this.#deps.clock.monotonic() - last.at >= this.#options.maxAgeMs) return false
    return this.#fits(last, charge)
  }

  #fits(measurement: Measurement, charge: number): boolean {
    const since = this.#written - measurement.written
    return measurement.free - since - this.#inFlight >= this.#options.reserveBytes + charge
  }

  /** One measurement at a time; those who come while it runs share it. */
  #measure(): Promise<Measurement> {
    this.#measuring ??= this.#measureNow().finally(() => {
      this.#measuring = undefined
    })
    return this.#measuring
  }

  async #measureNow(): Promise<Measurement> {
    // Read before asking: a write that ends meanwhile is counted twice at worst, never forgotten.
    const written = this.#written
    const at = this.#deps.clock.monotonic()
    this.#last = { free: await this.#deps.measure(), at, written }
    return this.#last
  }
}
