/** Peers that did not prove who they are, and until when they are left alone (dht.md 7). Pure: `now` comes in. */
import { LruMap } from '../base/index.ts'
import type { PeerId } from '../protocol/index.ts'
import type { NetworkOptions } from './options.ts'

export type IdentityTrouble = 'failed' | 'mismatch'

type MemoryOptions = Pick<
  NetworkOptions,
  'identityFailureMemoryMs' | 'identityMismatchMemoryMs' | 'failureMemoryEntries'
>

export class IdentityMemory {
  readonly #options: MemoryOptions
  readonly #held: LruMap<PeerId, { readonly trouble: IdentityTrouble; readonly until: number }>

  constructor(options: MemoryOptions) {
    this.#options = options
    this.#held = new LruMap(options.failureMemoryEntries)
  }

  /** A shorter rest never cuts a longer one. */
  remember(peer: PeerId, trouble: IdentityTrouble, now: number): void {
    const { identityFailureMemoryMs, identityMismatchMemoryMs } = this.#options
    const until = now + (trouble === 'failed' ? identityFailureMemoryMs : identityMismatchMemoryMs)
    if ((this.#held.get(peer)?.until ?? 0) < until) this.#held.set(peer, { trouble, until })
  }

  clear(peer: PeerId): void {
    this.#held.delete(peer)
  }

  trouble(peer: PeerId, now: number): IdentityTrouble | undefined {
    const held = this.#held.get(peer)
    if (held === undefined) return undefined
    if (held.until > now) return held.trouble
    this.#held.delete(peer)
    return undefined
  }
}
