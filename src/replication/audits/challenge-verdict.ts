/** What follows from the verdict on a digest challenge (replication.md 6, 21.1). Pure; verdicts are made by the room audit. */
import type { ChunkAddress } from '../../protocol/index.ts'

/** As `judgeDigests` of the room audit gives it, and the two ways to get no answer that can be judged. */
export type ChallengeVerdict =
  | { readonly kind: 'pass' }
  /** None of our own copies is left to compare with. */
  | { readonly kind: 'idle' }
  | { readonly kind: 'failed'; readonly failures: readonly { readonly key: ChunkAddress }[] }
  /** Undecodable, of another challenge (a claim of bootstrapping too), another count; refused. */
  | { readonly kind: 'malformed' | 'rejected' }
  | { readonly kind: 'bootstrapping' }
  | { readonly kind: 'timeout' }

export interface ChallengeConsequence {
  /** Of weight 5. */
  readonly failure: boolean
  /** `clear`: its active bootstrap claim ends. `observe`: it claims to be bootstrapping. */
  readonly claim: 'clear' | 'observe' | 'keep'
}

/** Of a possession check; a right digest is no merit. A prune challenge judges claims alike. */
export function possessionConsequence({ kind }: ChallengeVerdict): ChallengeConsequence {
  if (kind === 'bootstrapping') return { failure: false, claim: 'observe' }
  if (kind === 'timeout') return { failure: true, claim: 'keep' }
  return { failure: kind !== 'pass' && kind !== 'idle', claim: 'clear' }
}

/** Whether a key of the challenge is proven to be held, or its peer failed for it; neither when nothing was said. */
export function keyVerdict(verdict: ChallengeVerdict, key: ChunkAddress): 'proved' | 'failed' | undefined {
  if (verdict.kind === 'bootstrapping' || verdict.kind === 'idle') return undefined
  if (verdict.kind === 'pass') return 'proved'
  if (verdict.kind !== 'failed') return 'failed'
  return verdict.failures.some((failure) => failure.key === key) ? 'failed' : 'proved'
}
