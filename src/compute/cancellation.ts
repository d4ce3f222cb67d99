/**
 * What lets a caller go early. Pure. One for each call instead of AbortControllers with listeners at every step: on cold
 * caches those were most of what we added to a trip (docs/performance.md).
 */
export class Cancellation {
  #cancelled: { readonly reason: unknown } | undefined
  readonly #hooks: ((reason: unknown) => void)[] = []

  /** The first reason is the one. */
  cancel(reason: unknown): void {
    if (this.#cancelled) return
    this.#cancelled = { reason }
    for (const hook of this.#hooks) hook(reason)
  }

  /** Called when it is cancelled; at once when it is already. */
  onCancel(hook: (reason: unknown) => void): void {
    if (this.#cancelled) hook(this.#cancelled.reason)
    else this.#hooks.push(hook)
  }

  throwIfCancelled(): void {
    if (this.#cancelled) throw this.#cancelled.reason
  }
}
