/** Digest challenges of ours and answers to theirs (replication.md 6, 15, 21): few at a time for each peer. */
import { CodedError, concat, Semaphore } from '../../base/index.ts'
import { type AuditResult, type ChunkAddress, keyOf, type PeerId, type ReplicationBody } from '../../protocol/index.ts'
import { type ChallengeGrade, gradeChallenge, possessionConsequence } from '../challenge-grade.ts'
import type { ClaimTracker } from '../claim-tracker.ts'
import type { PossessionCheck, PossessionSchedule } from '../possession-schedule.ts'
import { blame, type Parts, WEIGHT } from './parts.ts'

type Challenge = Extract<ReplicationBody, { kind: 'auditChallenge' }>

const ABSENT = new Uint8Array(32)
const NONCE_BYTES = 32
const DUE_AT_ONCE = 64

export interface ChallengerDeps {
  readonly parts: Parts
  readonly claims: ClaimTracker
  readonly schedule: PossessionSchedule
}

export class Challenger {
  readonly #deps: ChallengerDeps
  readonly #permits = new Map<PeerId, { readonly semaphore: Semaphore; users: number }>()

  constructor(deps: ChallengerDeps) {
    this.#deps = deps
  }

  /** Makes the possession checks whose time has come. */
  async run(signal: AbortSignal): Promise<void> {
    const { parts, schedule } = this.#deps
    for (;;) {
      await parts.clock.sleep(parts.options.drainPollMs, signal)
      for (const check of schedule.takeDue(parts.clock.monotonic(), DUE_AT_ONCE))
        if (parts.store.has(check.key)) parts.tasks.spawn('possession', (inner) => this.#possession(check, inner))
    }
  }

  async #possession({ key, peers }: PossessionCheck, signal: AbortSignal): Promise<void> {
    const { parts, claims } = this.#deps
    await Promise.all(
      peers.map(async (peer) => {
        const { failure, claim } = possessionConsequence(await this.challenge(peer, [key], signal))
        if (claim === 'clear') claims.answered(peer)
        if (claim === 'observe' && claims.claimed(peer, parts.clock.now()) === 'failure')
          blame(parts, peer, 'bootstrapping for too long')
        if (failure) blame(parts, peer, 'does not hold what it took', WEIGHT.audit)
      }),
    )
  }

  /** Asks a peer to prove that it holds the keys. Rejects only with the signal's reason. */
  async challenge(peer: PeerId, keys: readonly ChunkAddress[], signal: AbortSignal): Promise<ChallengeGrade> {
    const { parts } = this.#deps
    const { messenger, random, options, metrics } = parts
    const challengeId = messenger.newId()
    const nonce = random.bytes(NONCE_BYTES)
    const body = { kind: 'auditChallenge' as const, challengeId, nonce, challengedPeer: peer, keys }
    const timeoutMs = options.auditBaseMs + options.auditPerKeyMs * keys.length
    const answer = await this.#inTurn(peer, signal, () =>
      messenger.ask(peer, body, 'auditResponse', { timeoutMs, signal, requestId: challengeId }),
    )
    const said: AuditResult | 'timeout' | 'malformed' =
      answer.kind === 'answer' ? answer.body.result : answer.kind === 'silent' ? 'timeout' : 'malformed'
    const expected: (Uint8Array | undefined)[] = []
    for (const key of keys) expected.push(await this.#digest(nonce, peer, key))
    const grade = gradeChallenge({ challengeId, expected }, said)
    metrics.challenges.add(1, { outcome: grade.kind })
    return grade
  }

  /** What a neighbour's challenge gets. */
  async answer({ challengeId, nonce, challengedPeer, keys }: Challenge): Promise<ReplicationBody> {
    const { parts } = this.#deps
    const say = (result: AuditResult): ReplicationBody => ({ kind: 'auditResponse', result })
    if (parts.bootstrapping()) return say({ kind: 'bootstrapping', challengeId })
    if (challengedPeer !== parts.self) return say({ kind: 'rejected', challengeId, reason: 'challenge for another peer' })
    const limit = Math.max(1, 2 * Math.max(1, Math.floor(Math.sqrt(parts.store.size))))
    if (keys.length > limit) return say({ kind: 'rejected', challengeId, reason: `more than ${limit} keys` })
    const digests: Uint8Array[] = []
    for (const key of keys) digests.push((await this.#digest(nonce, parts.self, key)) ?? ABSENT)
    return say({ kind: 'digests', challengeId, digests })
  }

  /** BLAKE3(nonce | peer | key | bytes); undefined when the bytes cannot be had. */
  async #digest(nonce: Uint8Array, peer: PeerId, key: ChunkAddress): Promise<Uint8Array | undefined> {
    const { store, hash } = this.#deps.parts
    try {
      const bytes = await store.get(key)
      return bytes && (await hash(concat([nonce, keyOf(peer), keyOf(key), bytes])))
    } catch (error) {
      if (!(error instanceof CodedError)) throw error
      return undefined
    }
  }

  /** Two challenges of a peer at once: digests, possession and prune share them. */
  async #inTurn<T>(peer: PeerId, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    const { challengesPerTarget, pruneKeys } = this.#deps.parts.options
    let place = this.#permits.get(peer)
    if (!place) this.#permits.set(peer, (place = { semaphore: new Semaphore(challengesPerTarget, pruneKeys), users: 0 }))
    place.users++
    try {
      return await place.semaphore.run(signal, work)
    } finally {
      if (--place.users === 0) this.#permits.delete(peer)
    }
  }
}
