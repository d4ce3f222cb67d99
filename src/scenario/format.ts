/** A scenario as its file: what `parse` reads comes out the same. Pure. */
import type { Struck } from './samples.ts'
import {
  type Amount,
  type Expectation,
  isMoment,
  SCENARIO_DEFAULTS,
  type Scenario,
  type ScenarioEvent,
} from './scenario.ts'
import { bandwidthText, percentText, sizeText, timeText } from './units.ts'

export function formatScenario(scenario: Scenario): string {
  const { chunks, gets, puts, lookups } = scenario
  const usual = SCENARIO_DEFAULTS
  const lines = [
    `nodes ${scenario.nodes}`,
    `chunks ${chunks.count} of ${sizeText(chunks.bytes)} ${chunks.by}`,
    `run ${timeText(scenario.runMs)}`,
    `seed ${scenario.seed}`,
    scenario.sampleMs !== usual.sampleMs && `sample ${timeText(scenario.sampleMs)}`,
    scenario.store !== usual.store && `store ${scenario.store}`,
    scenario.loss !== usual.loss && `loss ${percentText(scenario.loss)}`,
    scenario.latencyMs !== undefined && `latency ${timeText(scenario.latencyMs)}`,
    scenario.bandwidth !== usual.bandwidth && `bandwidth ${bandwidthText(scenario.bandwidth)}`,
    ...scenario.liars.map(({ share, lie }) => `liars ${percentText(share)} ${lie}`),
    scenario.full > 0 && `full ${percentText(scenario.full)}`,
    scenario.scrubMs !== undefined && `scrub every ${timeText(scenario.scrubMs)}`,
    gets !== usual.gets && `gets ${gets} per min`,
    puts !== usual.puts && `puts ${puts} per min`,
    lookups !== usual.lookups && `lookups ${lookups} per min`,
    scenario.stopWhenLost && 'stop when lost',
    ...scenario.events.map(eventText),
    ...scenario.expectations.map((expectation) => `expect ${expectationText(expectation)}`),
  ]
  return `${lines.filter((line) => line !== false).join('\n')}\n`
}

export function eventText(event: ScenarioEvent): string {
  if (isMoment(event)) return `at ${timeText(event.at)} ${event.kind} ${amountText(event.amount)}`
  const rate = event.kind === 'churn' ? ' per hour' : ''
  const fault = event.fault === undefined ? '' : ` ${event.fault}`
  return `from ${timeText(event.from)} to ${timeText(event.to)} ${event.kind} ${percentText(event.share)}${rate}${fault}`
}

const PLURALS = { node: 'nodes', copy: 'copies', 'pair of nodes': 'pairs of nodes' } as const

export function struckText({ what, count, unit }: Struck): string {
  return `${what}: ${count === null ? 'the run ended before' : `${count} ${count === 1 ? unit : PLURALS[unit]}`}`
}

export function expectationText({ measure, sign, value, when }: Expectation): string {
  const share = measure === 'gets' || measure === 'puts' || measure === 'lookups'
  const said = `${measure} ${sign} ${share ? percentText(value) : value}`
  return when.kind === 'end' ? said : `${said} within ${timeText(when.withinMs)} of ${timeText(when.of)}`
}

function amountText(amount: Amount): string {
  return amount.kind === 'count' ? String(amount.count) : percentText(amount.share)
}
