/** Digest challenges of ours and answers to theirs (replication.md 6, 15, 21): few at a time for each peer. */
import {
  absentDigest,
  auditDigest,
  type ChallengeBinding,
  digestDeadlineMs,
  judgeDigests,
  refuseDigests,
} from '../../audit/index.ts'
import { CodedError, Semaphore, SemaphoreFull } from '../../base/index.ts'
import type { ChunkAddress, PeerId, ReplicationBody } from '../../protocol/index.ts'
import type { ChunkStore } from '../../storage/index.ts'
import type { Extender } from '../extend/extender.ts'
import { type Parts, report } from '../parts.ts'
import type { PeerBudget } from '../traffic/answers.ts'
import type { Answer } from '../traffic/messenger.ts'
import { type ChallengeVerdict, possessionConsequence } from './challenge-verdict.ts'
import type { ClaimTracker } from './claim-tracker.ts'
import type { PossessionCheck, PossessionSchedule } from './possession-schedule.ts'
import { withChunk } from './with-chunk.ts'

type Challenge = Extract<ReplicationBody, { kind: 'auditChallenge' }>

const NONCE_BYTES = 32
const DUE_AT_ONCE = 64

export interface ChallengerDeps {
  readonly parts: Parts
  readonly claims: ClaimTracker
  readonly schedule: PossessionSchedule
  readonly extender: Pick<Extender, 'lacks' | 'doubt'>
}

export interface Asked {
  readonly peer: PeerId
  readonly keys: readonly ChunkAddress[]
  readonly audit: 'digest' | 'possession' | 'prune'
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
    const { parts, claims, extender } = this.#deps
    await Promise.all(
      peers.map(async (peer) => {
        const verdict = await this.challenge({ peer, keys: [key], audit: 'possession' }, signal)
        const { failure, claim } = possessionConsequence(verdict)
        if (verdict.kind === 'failed') extender.lacks([key], peer)
        // A node that joins with a full disk says so for ever.
        else if (verdict.kind === 'bootstrapping') extender.doubt([key])
        if (claim === 'clear') claims.answered(peer)
        if (claim === 'observe' && claims.claimed(peer, parts.clock.monotonic()) === 'failure')
          report(parts, peer, 'bootstrapClaim')
        if (failure) report(parts, peer, 'possession')
      }),
    )
  }

  /** Asks a peer to prove that it holds the keys. Rejects only with the signal's reason. */
  async challenge({ peer, keys, audit }: Asked, signal: AbortSignal): Promise<ChallengeVerdict> {
    const { clock, messenger, random, metrics } = this.#deps.parts
    const binding = { challengeId: messenger.newId(), nonce: random.bytes(NONCE_BYTES), challengedPeer: peer, keys }
    const asking = { timeoutMs: digestDeadlineMs(keys.length), signal, requestId: binding.challengeId }
    let askedAt = clock.monotonic()
    const answer = await this.#inTurn(peer, signal, () => {
      askedAt = clock.monotonic()
      return messenger.ask(peer, { kind: 'auditChallenge', ...binding }, 'auditResponse', asking)
    })
    const verdict =
      answer.kind === 'silent'
        ? await this.#silence(answer.unasked, askedAt, signal)
        : await this.#judge(binding, answer)
    metrics.challenges.add(1, { audit, outcome: verdict.kind })
    return verdict
  }

  /** No answer costs the peer dearly: not while it may be our own uplink that is gone. */
  async #silence(unasked: boolean, askedAt: number, signal: AbortSignal): Promise<ChallengeVerdict> {
    const { clock, dht, options } = this.#deps.parts
    if (unasked) return { kind: 'unheard' }
    await clock.sleep(options.auditSilenceMs, signal)
    return { kind: (dht.uplinkDoubtedAt() ?? Number.NEGATIVE_INFINITY) >= askedAt ? 'unheard' : 'timeout' }
  }

  async #judge(
    binding: Omit<Challenge, 'kind'>,
    answer: Exclude<Answer<'auditResponse'>, { kind: 'silent' }>,
  ): Promise<ChallengeVerdict> {
    if (answer.kind === 'malformed') return { kind: 'malformed' }
    const own: (Uint8Array | undefined)[] = []
    for (const key of binding.keys) own.push(await this.#digest(this.#deps.parts.store, binding, key))
    return judgeDigests(answer.body.result, binding, own)
  }

  /** What a neighbour's challenge gets. Rejects only with the signal's reason: then nobody waits for the rest. */
  async answer(challenge: Challenge, budget: PeerBudget, signal: AbortSignal): Promise<ReplicationBody> {
    const { self, store: held, auditStore, bootstrapping } = this.#deps.parts
    const { challengeId, keys } = challenge
    const refusal = refuseDigests(challenge, { peer: self, keys: held.size, bootstrapping: bootstrapping() })
    if (refusal) return { kind: 'auditResponse', result: { ...refusal, challengeId } }
    // A key that is named again has its digest again (15: one a key, in order), and is not read again.
    const made = new Map<ChunkAddress, Uint8Array>()
    const store = metered(auditStore, budget)
    for (const key of keys) {
      if (made.has(key)) continue
      signal.throwIfAborted()
      // Said: silence costs the same 5.0, and a unit more for the request that timed out (24).
      if (!budget.isOpen())
        return { kind: 'auditResponse', result: { kind: 'rejected', challengeId, reason: 'too many bytes asked for' } }
      made.set(key, (await this.#digest(store, challenge, key)) ?? absentDigest())
    }
    const digests = keys.map((key) => made.get(key) as Uint8Array)
    return { kind: 'auditResponse', result: { kind: 'digests', challengeId, digests } }
  }

  /** undefined when the bytes cannot be had. */
  async #digest(
    store: Pick<ChunkStore, 'get'>,
    binding: ChallengeBinding,
    key: ChunkAddress,
  ): Promise<Uint8Array | undefined> {
    try {
      return await withChunk(store, key, (bytes) => auditDigest(binding, key, bytes))
    } catch (error) {
      if (!(error instanceof CodedError)) throw error
      return undefined
    }
  }

  /**
   * Two challenges of a peer at once: digests, possession and prune share them. Too many wait for one that is slow: as
   * good as not asked.
   */
  async #inTurn(
    peer: PeerId,
    signal: AbortSignal,
    work: () => Promise<Answer<'auditResponse'>>,
  ): Promise<Answer<'auditResponse'>> {
    const { challengesPerTarget, pruneKeys } = this.#deps.parts.options
    let place = this.#permits.get(peer)
    if (!place)
      this.#permits.set(peer, (place = { semaphore: new Semaphore(challengesPerTarget, pruneKeys), users: 0 }))
    place.users++
    try {
      return await place.semaphore.run(signal, work)
    } catch (error) {
      if (!(error instanceof SemaphoreFull)) throw error
      return { kind: 'silent', unasked: true }
    } finally {
      if (--place.users === 0) this.#permits.delete(peer)
    }
  }
}

/** What is read is charged to whoever it is read for. */
function metered(store: Pick<ChunkStore, 'get'>, budget: PeerBudget): Pick<ChunkStore, 'get'> {
  const get = async (key: ChunkAddress) => {
    const bytes = await store.get(key)
    if (bytes) budget.charge(bytes.length)
    return bytes
  }
  return { get }
}
