/** What follows from the verdict on a digest challenge (replication.md 6, 21.1). Pure; verdicts are made by the room audit. */
import type { ChunkAddress } from '../../protocol/index.ts'

/** As `judgeDigests` of the room audit gives it, and the two ways to get no answer that can be judged. */
export type ChallengeVerdict =
  | { readonly kind: 'pass'; readonly proved: readonly ChunkAddress[] }
  /** It answered, and none of our own copies is left to compare with. */
  | { readonly kind: 'idle' }
  /** It may never have been asked: our own limits or stop, or an uplink in doubt. Nothing follows from that. */
  | { readonly kind: 'unheard' }
  | {
      readonly kind: 'failed'
      readonly failures: readonly { readonly key: ChunkAddress }[]
      readonly proved: readonly ChunkAddress[]
    }
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
  if (kind === 'unheard') return { failure: false, claim: 'keep' }
  return { failure: kind !== 'pass' && kind !== 'idle', claim: 'clear' }
}

/**
 * Which keys of a challenge are proven to be held, and for which its peer failed; a key is in neither when nothing was
 * said of it, or our own copy could not be read to compare with.
 */
export function keyVerdicts(
  verdict: ChallengeVerdict,
  keys: readonly ChunkAddress[],
): { readonly proved: readonly ChunkAddress[]; readonly failed: readonly ChunkAddress[] } {
  switch (verdict.kind) {
    case 'bootstrapping':
    case 'idle':
    case 'unheard':
      return { proved: [], failed: [] }
    case 'pass':
      return { proved: verdict.proved, failed: [] }
    case 'failed':
      return { proved: verdict.proved, failed: verdict.failures.map(({ key }) => key) }
    default:
      return { proved: [], failed: keys }
  }
}
