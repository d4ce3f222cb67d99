/**
 * The smallest scenario that still fails in the same way: one thing less at a time, as long as it fails. Greedy, so
 * smallest means that none of these single steps leads further. Pure but for `stillFails`.
 */
import { type Amount, endOf, isMoment, type Scenario, type ScenarioEvent, withRun } from './scenario.ts'

const LEAST_NODES = 5
const LEAST_RUN_MS = 60_000

/** Large steps first. Each is smaller in one way, and none is the same. */
export function smaller(scenario: Scenario): Scenario[] {
  return [
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
}

function lessOfAll(scenario: Scenario): Scenario[] {
  const { nodes, chunks, runMs, events, expectations } = scenario
  const found: Scenario[] = []
  for (const fewer of [nodes >> 1, Math.ceil(nodes * 0.75), nodes - 1])
    if (fewer >= LEAST_NODES && fewer < nodes) found.push({ ...scenario, nodes: fewer })
  for (const fewer of [chunks.count >> 3, chunks.count >> 1])
    if (fewer >= 1 && fewer < chunks.count) found.push({ ...scenario, chunks: { ...chunks, count: fewer } })
  const needed = Math.max(
    LEAST_RUN_MS,
    ...expectations.map(({ when }) => (when.kind === 'within' ? when.of + when.withinMs : 0)),
  )
  const afterEvents = Math.max(...events.map(endOf), 0) + LEAST_RUN_MS
  for (const less of [runMs / 4, runMs / 2, afterEvents, needed].map((ms) => Math.ceil(ms / 1000) * 1000))
    if (less >= needed && less < runMs) found.push(withRun(scenario, less))
  return found
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

/** At most `maxTries` calls of `stillFails`. */
export async function shrink(
  scenario: Scenario,
  stillFails: (candidate: Scenario) => Promise<boolean>,
  maxTries: number,
): Promise<Shrunk> {
  let best = scenario
  let tries = 0
  for (let found = true; found; ) {
    found = false
    for (const candidate of smaller(best)) {
      if (tries >= maxTries) return { scenario: best, tries, finished: false }
      tries++
      if (!(await stillFails(candidate))) continue
      best = candidate
      found = true
      break
    }
  }
  return { scenario: best, tries, finished: true }
}
