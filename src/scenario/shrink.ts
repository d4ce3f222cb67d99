/**
 * The smallest scenario that still fails in the same way: one thing less at a time, as long as it fails. Greedy, so
 * smallest means that none of these single steps leads further. Fewer nodes are struck in proportion: a network in which
 * everybody dies fails too, and says nothing of one in which half of them do. Pure but for `stillFails`.
 */
import { never } from '../base/index.ts'
import { CLOSE_GROUP_SIZE } from '../protocol/index.ts'
import { strikes } from './amounts.ts'
import { objectionToEvent } from './objections.ts'
import { type Amount, endOf, isMoment, type Moment, type Scenario, type ScenarioEvent, withRun } from './scenario.ts'

const LEAST_NODES = 5
const LEAST_RUN_MS = 60_000

/** Large steps first. Each is smaller in one way, and none is the same. */
export function smaller(scenario: Scenario): Scenario[] {
  const candidates = [
    ...lessOfAll(scenario),
    ...scenario.events.map((_, i) => ({ ...scenario, events: without(scenario.events, i) })),
    ...(scenario.expectations.length > 1
      ? scenario.expectations.map((_, i) => ({ ...scenario, expectations: without(scenario.expectations, i) }))
      : []),
    ...scenario.liars.map((_, i) => ({ ...scenario, liars: without(scenario.liars, i) })),
    ...(scenario.full > 0 ? [{ ...scenario, full: 0 }] : []),
    ...(scenario.loss > 0 ? [{ ...scenario, loss: 0 }] : []),
    ...(scenario.puts > 0 ? [{ ...scenario, puts: 0 }] : []),
    ...scenario.events.flatMap((event, i) =>
      smallerEvent(event).map((less) => ({ ...scenario, events: scenario.events.with(i, less) })),
    ),
  ]
  // Churn of few nodes or of a short time may replace nobody any more.
  return candidates.filter((less) => less.events.every((event) => objectionToEvent(event, less) === undefined))
}

function lessOfAll(scenario: Scenario): Scenario[] {
  const { nodes, chunks, runMs, events, expectations } = scenario
  const found: Scenario[] = []
  for (const fewer of [nodes >> 1, Math.ceil(nodes * 0.75), nodes - 1])
    if (fewer >= LEAST_NODES && fewer < nodes) found.push(...inProportion({ ...scenario, nodes: fewer }, scenario))
  for (const fewer of [chunks.count >> 3, chunks.count >> 1])
    if (fewer >= 1 && fewer < chunks.count)
      found.push(...inProportion({ ...scenario, chunks: { ...chunks, count: fewer } }, scenario))
  const needed = Math.max(
    LEAST_RUN_MS,
    ...expectations.map(({ when }) => (when.kind === 'within' ? when.of + when.withinMs : 0)),
  )
  const afterEvents = Math.max(...events.map(endOf), 0) + LEAST_RUN_MS
  for (const less of [runMs / 4, runMs / 2, afterEvents, needed].map((ms) => Math.ceil(ms / 1000) * 1000))
    if (less >= needed && less < runMs) found.push(withRun(scenario, less))
  return found
}

/** `less` with counts in the same proportion as in `more`; none when a larger part of it would be struck all the same. */
function inProportion(less: Scenario, more: Scenario): Scenario[] {
  const events = less.events.map((event) => {
    if (!isMoment(event) || event.amount.kind === 'share' || event.amount.count === 0) return event
    const share = event.amount.count / strikable(event, more)
    // Rounded down without the last bits that decimal fractions do not have.
    const count = Math.max(1, Math.floor(share * strikable(event, less) + 1e-9))
    return { ...event, amount: { kind: 'count' as const, count } }
  })
  const isHarder = (event: ScenarioEvent, i: number) => {
    const before = more.events[i] as ScenarioEvent
    if (isMoment(event) && isMoment(before)) return partOf(event, less) > partOf(before, more) + 1e-9
    return !isMoment(event) && isLarger(event.share, less, more)
  }
  const lying = less.liars.reduce((sum, { share }) => sum + share, 0)
  const harder = events.some(isHarder) || isLarger(lying, less, more) || isLarger(less.full, less, more)
  return harder ? [] : [{ ...less, events }]
}

/** Of how many there are: copies rot, all else strikes nodes. */
function strikable({ kind }: Moment, { nodes, chunks }: Scenario): number {
  return kind === 'rot' ? chunks.count * Math.min(CLOSE_GROUP_SIZE, nodes) : nodes
}

function partOf(moment: Moment, scenario: Scenario): number {
  const all = strikable(moment, scenario)
  const { amount } = moment
  return (amount.kind === 'count' ? amount.count : strikes(amount.share, all)) / all
}

/** Whether "at least one", and not mere rounding, makes a larger part of it. */
function isLarger(share: number, less: Scenario, more: Scenario): boolean {
  const struck = strikes(share, less.nodes)
  return struck > share * less.nodes + 0.5 + 1e-9 && struck / less.nodes > strikes(share, more.nodes) / more.nodes
}

function smallerEvent(event: ScenarioEvent): ScenarioEvent[] {
  if (isMoment(event)) {
    const amount = half(event.amount)
    return amount ? [{ ...event, amount }] : []
  }
  const length = event.to - event.from
  return length >= 2 * LEAST_RUN_MS ? [{ ...event, to: event.from + Math.ceil(length / 2000) * 1000 }] : []
}

function half(amount: Amount): Amount | undefined {
  if (amount.kind === 'count') return amount.count > 1 ? { kind: 'count', count: amount.count >> 1 } : undefined
  return amount.share > 0.02 ? { kind: 'share', share: Math.round(amount.share * 50) / 100 } : undefined
}

function without<T>(items: readonly T[], index: number): T[] {
  return items.filter((_, i) => i !== index)
}

export interface Shrunk {
  readonly scenario: Scenario
  readonly tries: number
  /** No single step leads further; false when the tries ran out. */
  readonly finished: boolean
}

/** At most `maxTries` calls of `stillFails`; when the signal aborts, the smallest so far. */
export async function shrink(
  scenario: Scenario,
  stillFails: (candidate: Scenario) => Promise<boolean>,
  maxTries: number,
  signal = never,
): Promise<Shrunk> {
  let best = scenario
  let tries = 0
  for (let found = true; found; ) {
    found = false
    for (const candidate of smaller(best)) {
      if (tries >= maxTries) return { scenario: best, tries, finished: false }
      tries++
      const fails = await stillFails(candidate)
      // What was cut short says nothing.
      if (signal.aborted) return { scenario: best, tries, finished: false }
      if (!fails) continue
      best = candidate
      found = true
      break
    }
  }
  return { scenario: best, tries, finished: true }
}
