/** A scenario as a list of instants: spans begin and end, churn is single machines at random instants. Pure. */
import { type Random, randomBetween } from '../base/index.ts'
import { replacedBy } from './amounts.ts'
import { isMoment, type Moment, type Scenario, type ScenarioEvent, type Span } from './scenario.ts'

export type Step =
  /** `of`: the event that it comes from; churn makes many. */
  | { readonly at: number; readonly kind: 'moment'; readonly moment: Moment; readonly of: ScenarioEvent }
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
  // Pushed one by one: a long run has more steps than a call takes arguments.
  const steps: Step[] = [...instants].map((at) => ({ at, kind: 'sample' }))
  for (const kind of ['get', 'put', 'lookup'] as const)
    for (const at of evenly(scenario[`${kind}s`], runMs)) steps.push({ at, kind })
  for (const event of scenario.events) {
    if (isMoment(event)) steps.push({ at: event.at, kind: 'moment', moment: event, of: event })
    else if (event.kind === 'churn') for (const step of replacements(event, scenario.nodes, random)) steps.push(step)
    else steps.push({ at: event.from, kind: 'begin', span: event }, { at: event.to, kind: 'end', span: event })
  }
  const order = (step: Step) => (step.kind === 'sample' ? 0 : 1)
  return steps.sort((a, b) => a.at - b.at || order(a) - order(b))
}

function* evenly(perMinute: number, runMs: number): Generator<number> {
  const count = Math.floor((perMinute * runMs) / 60_000)
  for (let i = 0; i < count; i++) yield ((i + 0.5) * runMs) / count
}

/** Each machine at its own instant. */
function* replacements(churn: Span, nodes: number, random: Random): Generator<Step> {
  for (let left = replacedBy(churn, nodes); left > 0; left--) {
    const at = randomBetween(random, churn.from, churn.to)
    yield { at, kind: 'moment', moment: { kind: 'replace', at, amount: { kind: 'count', count: 1 } }, of: churn }
  }
}
