/** Whether a run was as expected. Pure. */
import { expectationText } from './format.ts'
import { type Sample, shareOf } from './samples.ts'
import type { Expectation, Measure, Scenario } from './scenario.ts'
import { percentText } from './units.ts'

export interface Verdict {
  readonly expectation: Expectation
  readonly text: string
  readonly met: boolean
  /** What was seen, in words. */
  readonly seen: string
  /** When a `within` was met first. */
  readonly metAt?: number
}

/** `samples` in order of time. */
export function judge(scenario: Scenario, samples: readonly Sample[]): Verdict[] {
  return scenario.expectations.map((expectation) => verdictOn(expectation, samples))
}

function verdictOn(expectation: Expectation, samples: readonly Sample[]): Verdict {
  const { when, measure } = expectation
  const text = expectationText(expectation)
  const last = samples.at(-1)
  if (when.kind === 'end') {
    const value = last && figureOf(measure, last)
    const seen = seenText(measure, value) + unansweredText(measure, last)
    return { expectation, text, met: value !== undefined && holds(expectation, value), seen }
  }
  const window = samples.filter(({ at }) => at > when.of && at <= when.of + when.withinMs)
  const first = window.find((sample) => holds(expectation, figureOf(measure, sample)))
  if (first)
    return {
      expectation,
      text,
      met: true,
      seen: `after ${((first.at - when.of) / 1000).toFixed(0)} s`,
      metAt: first.at,
    }
  const values = window.map((sample) => figureOf(measure, sample))
  const best = values.sort((a, b) => (expectation.sign === '<=' ? a - b : b - a))[0]
  return { expectation, text, met: false, seen: `at best ${seenText(measure, best)}` }
}

export function figureOf(measure: Measure, sample: Sample): number {
  switch (measure) {
    case 'lost':
      return sample.copies.lost
    case 'copies':
      return sample.copies.fewest
    case 'median copies':
      return sample.copies.median
    case 'gets':
    case 'puts':
    case 'lookups':
      return shareOf(sample[measure])
    case 'trust of liars':
      return sample.trust.ofLiars
    case 'trust of honest':
      return sample.trust.ofHonest
  }
}

/** A figure that could not be taken (NaN) meets nothing. */
function holds({ sign, value }: Expectation, seen: number): boolean {
  if (sign === '=') return seen === value
  return sign === '>=' ? seen >= value : seen <= value
}

function unansweredText(measure: Measure, last: Sample | undefined): string {
  if (!last || (measure !== 'gets' && measure !== 'puts' && measure !== 'lookups')) return ''
  const { open, tried } = last[measure]
  return open === 0 ? '' : `, ${open} of ${tried} unanswered`
}

function seenText(measure: Measure, value: number | undefined): string {
  if (value === undefined || Number.isNaN(value)) return 'no figure'
  if (measure === 'gets' || measure === 'puts' || measure === 'lookups') return percentText(Number(value.toFixed(4)))
  return String(Number(value.toFixed(3)))
}
