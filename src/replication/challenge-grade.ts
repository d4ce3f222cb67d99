/**
 * What an answer to a digest challenge is worth (replication.md 6, 21.1). The digests to expect are the caller's. Pure.
 */
import { equal } from '../base/index.ts'
import type { AuditResult } from '../protocol/index.ts'

export interface SentChallenge {
  readonly challengeId: bigint
  /** For each key asked, in order; undefined for a key that we could not read ourselves, which nobody is graded by. */
  readonly expected: readonly (Uint8Array | undefined)[]
}

/** `malformed`: an answer came that is none. */
export type ChallengeAnswer = AuditResult | 'timeout' | 'malformed'

export type ChallengeGrade =
  /** For each key; the zero digest of an absent key matches nothing. */
  | { readonly kind: 'digests'; readonly verdicts: readonly ('proved' | 'wrong' | 'unknown')[] }
  /** The challenge as a whole failed: malformed, another id, another count, refused. */
  | { readonly kind: 'failed' }
  | { readonly kind: 'timeout' }
  /** Of this challenge; of another it is a failure. */
  | { readonly kind: 'bootstrapping' }

export function gradeChallenge({ challengeId, expected }: SentChallenge, answer: ChallengeAnswer): ChallengeGrade {
  if (answer === 'timeout') return { kind: 'timeout' }
  if (answer === 'malformed' || answer.challengeId !== challengeId) return { kind: 'failed' }
  if (answer.kind === 'bootstrapping') return { kind: 'bootstrapping' }
  if (answer.kind === 'rejected' || answer.digests.length !== expected.length) return { kind: 'failed' }
  const verdicts = answer.digests.map((digest, index) => {
    const own = expected[index]
    return own === undefined ? 'unknown' : equal(own, digest) ? 'proved' : 'wrong'
  })
  return { kind: 'digests', verdicts }
}

/** What follows for the peer that was asked; a failure is of weight 5. */
export interface PossessionConsequence {
  readonly failure: boolean
  /** `clear`: its active bootstrap claim ends. `observe`: it claims to be bootstrapping. */
  readonly claim: 'clear' | 'observe' | 'keep'
}

/** Of a possession check. A right digest is no merit. */
export function possessionConsequence(grade: ChallengeGrade): PossessionConsequence {
  switch (grade.kind) {
    case 'bootstrapping':
      return { failure: false, claim: 'observe' }
    case 'timeout':
      return { failure: true, claim: 'keep' }
    case 'failed':
      return { failure: true, claim: 'clear' }
    case 'digests':
      return { failure: grade.verdicts.includes('wrong'), claim: 'clear' }
  }
}
