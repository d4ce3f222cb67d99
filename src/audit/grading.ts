/** What a subtree audit costs or earns (replication.md 18). Pure; who applies it owns trust, credit and claims. */
import type { RoundTwoVerdict } from './slices.ts'
import type { RoundOneVerdict } from './subtree-proof.ts'

/** No answer: a timeout, or the message could not be sent. */
export type Silence = { readonly kind: 'silent' }

export type SubtreeOutcome =
  | { readonly round: 1; readonly verdict: Exclude<RoundOneVerdict, { kind: 'proven' }> | Silence }
  | { readonly round: 2; readonly verdict: RoundTwoVerdict | Silence }

export interface SubtreeGrade {
  readonly trust: 'success' | 'failure' | 'none'
  /** Of the trust event; 0 for none. */
  readonly weight: number
  /** Credit of the peer: recorded for every proven leaf, kept, revoked under this pin, or all of it dropped. */
  readonly credit: 'record' | 'keep' | 'revokePin' | 'dropAll'
  /** What becomes of its claim to be bootstrapping. */
  readonly claim: 'clear' | 'keep' | 'observe'
}

const PASS: SubtreeGrade = { trust: 'success', weight: 1, credit: 'record', claim: 'clear' }
const CONFIRMED: SubtreeGrade = { trust: 'failure', weight: 5, credit: 'dropAll', claim: 'clear' }
const SILENT: SubtreeGrade = { trust: 'none', weight: 0, credit: 'keep', claim: 'keep' }
/** Like a timeout, but it may hold the bytes or not: the pin proves nothing until the next audit. */
const UNDECIDED: SubtreeGrade = { trust: 'none', weight: 0, credit: 'revokePin', claim: 'keep' }
const CLAIMED: SubtreeGrade = { trust: 'none', weight: 0, credit: 'keep', claim: 'observe' }

export function gradeSubtreeAudit({ round, verdict }: SubtreeOutcome): SubtreeGrade {
  switch (verdict.kind) {
    case 'pass':
      return PASS
    case 'silent':
      return round === 1 ? SILENT : UNDECIDED
    case 'transient':
      return UNDECIDED
    case 'bootstrapping':
      // Whoever answered round 1 with a proof has data to serve.
      return round === 1 ? CLAIMED : CONFIRMED
    default:
      return CONFIRMED
  }
}
