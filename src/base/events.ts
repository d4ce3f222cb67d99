import { assert } from './assert.ts'

/** Typed, synchronous, bounded events. A listener that throws is a bug of the listener: it is reported to `onError`. */
export class Emitter<Events extends { [name: string]: unknown }> {
  readonly #listeners = new Map<keyof Events, Set<(event: never) => void>>()
  readonly #limit: number
  readonly #onError: (error: unknown) => void

  constructor(options: { limit?: number; onError?: (error: unknown) => void } = {}) {
    this.#limit = options.limit ?? 64
    this.#onError =
      options.onError ??
      ((error) => {
        throw error
      })
  }

  /** Subscribes; the returned function unsubscribes. */
  on<Name extends keyof Events>(name: Name, listener: (event: Events[Name]) => void): () => void {
    let set = this.#listeners.get(name)
    if (!set) this.#listeners.set(name, (set = new Set()))
    assert(set.size < this.#limit, `more than ${this.#limit} listeners for ${String(name)}`)
    set.add(listener)
    return () => set.delete(listener)
  }

  emit<Name extends keyof Events>(name: Name, event: Events[Name]): void {
    for (const listener of this.#listeners.get(name) ?? []) {
      try {
        ;(listener as (event: Events[Name]) => void)(event)
      } catch (error) {
        this.#onError(error)
      }
    }
  }
}
