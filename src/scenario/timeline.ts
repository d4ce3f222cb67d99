/** A scenario as a list of instants: spans begin and end, churn is single machines at random instants. Pure. */
import { type Random, randomBetween } from '../base/index.ts'
import { type Amount, isMoment, type Moment, type Scenario, type Span } from './scenario.ts'

export type Step =
  | { readonly at: number; readonly kind: 'moment'; readonly moment: Moment }
  | { readonly at: number; readonly kind: 'begin' | 'end'; readonly span: Span }
  | { readonly at: number; readonly kind: 'sample' | 'get' | 'put' | 'lookup' }

/** Looks in the window of an expectation, at most. */
const WINDOW_LOOKS = 60

/** In order of time; of one instant: samples first, so that they show what was before. */
export function timeline(scenario: Scenario, random: Random): Step[] {
  const { runMs, sampleMs, expectations } = scenario
  const instants = new Set<number>([0, runMs])
  for (let at = sampleMs; at < runMs; at += sampleMs) instants.add(at)
  for (const { when } of expectations) {
    if (when.kind !== 'within') continue
    const step = Math.max(1000, when.withinMs / WINDOW_LOOKS)
    for (let at = when.of; at <= when.of + when.withinMs + 1e-6; at += step) instants.add(Math.min(at, runMs))
  }
  const steps: Step[] = [...instants].map((at) => ({ at, kind: 'sample' }))
  steps.push(...even('get', scenario.gets, runMs), ...even('put', scenario.puts, runMs))
  steps.push(...even('lookup', scenario.lookups, runMs))
  for (const event of scenario.events) {
    if (isMoment(event)) steps.push({ at: event.at, kind: 'moment', moment: event })
    else if (event.kind === 'churn') steps.push(...replacements(event, scenario.nodes, random))
    else steps.push({ at: event.from, kind: 'begin', span: event }, { at: event.to, kind: 'end', span: event })
  }
  const order = (step: Step) => (step.kind === 'sample' ? 0 : 1)
  return steps.sort((a, b) => a.at - b.at || order(a) - order(b))
}

function even(kind: 'get' | 'put' | 'lookup', perMinute: number, runMs: number): Step[] {
  const count = Math.floor((perMinute * runMs) / 60_000)
  return Array.from({ length: count }, (_, i) => ({ at: ((i + 0.5) * runMs) / count, kind }))
}

/** As many machines as the rate says, each at its own instant. */
function replacements({ from, to, share }: Span, nodes: number, random: Random): Step[] {
  const count = Math.round((nodes * share * (to - from)) / 3_600_000)
  const amount: Amount = { kind: 'count', count: 1 }
  return Array.from({ length: count }, () => {
    const at = randomBetween(random, from, to)
    return { at, kind: 'moment', moment: { kind: 'replace', at, amount } }
  })
}

export function countOf(amount: Amount, all: number): number {
  return Math.min(all, amount.kind === 'count' ? amount.count : Math.round(amount.share * all))
}
