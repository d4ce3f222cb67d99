/**
 * Commitments by their pins (replication.md 14.4), for payments whose proof brings no sidecar: what the peer showed us of
 * late, else what it says itself. Few questions for one proof; a pin that is not retained is not asked for again.
 */
import { checkCommitment, pinOf } from '../../audit/index.ts'
import { LruMap } from '../../base/index.ts'
import type { Verifier } from '../../crypto/index.ts'
import type { CommitmentFinder, CommitmentLookup } from '../../payment/index.ts'
import type { PeerId, StorageCommitment } from '../../protocol/index.ts'
import type { Parts } from '../parts.ts'
import type { SubtreeAuditor } from './subtree-auditor.ts'

export interface PinLookupsDeps {
  readonly parts: Parts
  readonly verifier: Verifier
  readonly auditor: Pick<SubtreeAuditor, 'recent'>
}

/** As stock nodes send it. */
const REQUEST_ID = 0n

export class PinLookups implements CommitmentLookup {
  readonly #deps: PinLookupsDeps
  /** By issuer and pin: another peer may retain what this one does not. */
  readonly #misses: LruMap<string, true>

  constructor(deps: PinLookupsDeps) {
    this.#deps = deps
    this.#misses = new LruMap(deps.parts.options.pinMisses)
  }

  bundle(): CommitmentFinder {
    let left = this.#deps.parts.options.pinFetches
    return {
      find: async (issuer, hash, { signal }) => {
        const pin = pinOf(hash)
        const shown = this.#deps.auditor.recent(issuer)
        if (shown?.pin === pin) return shown.commitment
        const place = `${issuer} ${pin}`
        if (left === 0 || issuer === this.#deps.parts.self || this.#misses.has(place)) return undefined
        left--
        const found = await this.#ask(issuer, hash, signal)
        if (found === 'miss') this.#misses.set(place, true)
        return typeof found === 'object' ? found : undefined
      },
    }
  }

  /** `miss`: it has none, or one that is not what was asked for. */
  async #ask(peer: PeerId, hash: Uint8Array, signal: AbortSignal): Promise<StorageCommitment | 'miss' | 'silent'> {
    const { parts, verifier } = this.#deps
    const asking = { timeoutMs: parts.options.pinFetchTimeoutMs, signal, requestId: REQUEST_ID }
    const body = { kind: 'getCommitmentByPin' as const, pin: hash }
    const answer = await parts.messenger.ask(peer, body, 'getCommitmentByPinResponse', asking)
    if (answer.kind === 'silent') return 'silent'
    if (answer.kind === 'malformed' || answer.body.result.kind !== 'found') return 'miss'
    const { commitment } = answer.body.result
    const fault = await checkCommitment(commitment, { peer, pin: pinOf(hash) }, verifier)
    return fault === undefined ? commitment : 'miss'
  }
}
