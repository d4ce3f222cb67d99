/** How peers say our address looks from outside: the last few, newest last (reachability.md 2). Pure. */
import { formatSocketAddress, type PeerId, type SocketAddress } from '../protocol/index.ts'

const MAX_ADDRESSES = 16
const MAX_OBSERVERS = 16

export interface ObservedAddress {
  readonly socket: SocketAddress
  /** Only two strangers that dialled us can prove an address; that rule belongs to reachability. */
  readonly proven: boolean
}

export class ObservedAddresses {
  readonly #seen = new Map<string, { socket: SocketAddress; observers: Set<PeerId> }>()

  observe(observer: PeerId, socket: SocketAddress): void {
    const name = formatSocketAddress(socket)
    const known = this.#seen.get(name)
    if (known) {
      if (known.observers.size < MAX_OBSERVERS) known.observers.add(observer)
      return
    }
    this.#seen.set(name, { socket, observers: new Set([observer]) })
    if (this.#seen.size > MAX_ADDRESSES) this.#seen.delete(this.#weakest())
  }

  /** Fewest observers first and, among these, oldest first: the last one of a family is the one to publish. */
  list(): ObservedAddress[] {
    return [...this.#seen.values()]
      .toSorted((a, b) => a.observers.size - b.observers.size)
      .map(({ socket }) => ({ socket, proven: false }))
  }

  #weakest(): string {
    let weakest: { name: string; observers: number } | undefined
    for (const [name, { observers }] of this.#seen) {
      if (!weakest || observers.size < weakest.observers) weakest = { name, observers: observers.size }
    }
    return (weakest as { name: string }).name
  }
}
