/** Amounts of a scenario as numbers of machines. Pure. */
import { hour } from '../base/index.ts'
import type { Amount, Lie, Scenario, Span } from './scenario.ts'

/** How many of `all` a share (0..1) strikes: one above 0 at least one of them, as long as there is any. */
export function strikes(share: number, all: number): number {
  return share > 0 ? Math.min(all, Math.max(1, Math.round(share * all))) : 0
}

export function countOf(amount: Amount, all: number): number {
  return amount.kind === 'count' ? Math.min(all, amount.count) : strikes(amount.share, all)
}

/** As many machines as the rate says. Not at least one: a rate of less than half a machine would become many times as high. */
export function replacedBy({ from, to, share }: Span, nodes: number): number {
  return Math.round((nodes * share * (to - from)) / hour)
}

/** What each liar of so many nodes does: their total is rounded, and each goes to the kind that lacks most, the first of equals. */
export function liarsOf(liars: Scenario['liars'], nodes: number): Lie[] {
  const kinds = liars.map(({ share, lie }) => ({ lie, lacking: share * nodes }))
  const total = strikes(
    liars.reduce((sum, { share }) => sum + share, 0),
    nodes,
  )
  return Array.from({ length: total }, () => {
    // Without the last bits that decimal fractions do not have.
    const next = kinds.reduce((most, kind) => (kind.lacking > most.lacking + 1e-9 ? kind : most))
    next.lacking--
    return next.lie
  })
}
