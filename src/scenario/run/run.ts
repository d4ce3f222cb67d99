/** One scenario from its beginning to its end. The same scenario gives the same outcome, but for what it cost. */
import type { Clock } from '../../base/index.ts'
import { ScenarioError } from '../errors.ts'
import { eventText } from '../format.ts'
import { judge, type Verdict } from '../judge.ts'
import type { Cost, Sample, Struck } from '../samples.ts'
import type { Scenario, ScenarioEvent } from '../scenario.ts'
import { type Step, timeline } from '../timeline.ts'
import { hoursText } from '../units.ts'
import { Asks } from './asks.ts'
import { Happenings } from './events.ts'
import { Probe } from './probe.ts'
import { Town } from './town.ts'

/** How long unanswered questions are waited for at the end, virtual. */
const LAST_ANSWERS_MS = 30_000

export interface Outcome {
  readonly scenario: Scenario
  readonly samples: readonly Sample[]
  readonly verdicts: readonly Verdict[]
  /** Every expectation is met. */
  readonly met: boolean
  /** Equal for equal runs. */
  readonly hash: string
  /** Timers that were called. */
  readonly events: number
  /** Virtual milliseconds until the network stood. */
  readonly startMs: number
  readonly notes: readonly string[]
  readonly struck: readonly Struck[]
  readonly costs: readonly Cost[]
}

export interface RunOptions {
  readonly signal: AbortSignal
  /** Real time and memory: for progress and the report only. */
  readonly clock: Clock
  rssBytes(): number
  onSample?(sample: Sample, cost: Cost): void
}

/** Throws SCENARIO_STOPPED when aborted, and what a node throws that must not. */
export async function runScenario(scenario: Scenario, options: RunOptions): Promise<Outcome> {
  const { clock, signal } = options
  const began = clock.monotonic()
  const town = new Town(scenario)
  const { world } = town.net
  await town.found()
  const client = await town.net.connectClient('people')
  const asks = new Asks(town, client)
  const probe = new Probe(town, asks)
  const happenings = new Happenings(town)
  const zero = world.clock.monotonic()
  const samples: Sample[] = []
  const costs: Cost[] = []
  const sample = (at: number): void => {
    asks.forgetGone()
    const taken = probe.sample(at)
    samples.push(taken)
    const cost = { at, rssBytes: options.rssBytes(), realMs: clock.monotonic() - began }
    costs.push(cost)
    options.onSample?.(taken, cost)
  }
  const struck = new Map<ScenarioEvent, number>()
  const count = (event: ScenarioEvent, more: number) => struck.set(event, (struck.get(event) ?? 0) + more)
  const take = (step: Step): void => {
    if (step.kind === 'moment') count(step.of, happenings.moment(step.moment))
    else if (step.kind === 'begin') count(step.span, happenings.begin(step.span))
    else if (step.kind === 'end') happenings.end(step.span)
    else if (step.kind === 'sample') sample(step.at)
    else asks[step.kind]()
  }
  for (const step of timeline(scenario, world.random('timeline'))) {
    if (signal.aborted) throw new ScenarioError('SCENARIO_STOPPED', 'the run was stopped')
    const ahead = zero + step.at - world.clock.monotonic()
    if (ahead > 0) await world.advance(ahead)
    take(step)
    if (step.kind === 'sample' && scenario.stopWhenLost && (samples.at(-1)?.copies.lost ?? 0) > 0) break
  }
  const lost = scenario.stopWhenLost && (samples.at(-1)?.copies.lost ?? 0) > 0
  const end = samples.at(-1)?.at ?? 0
  // A question may still be on its way; the figures of copies are those of the end.
  await world.advance(LAST_ANSWERS_MS)
  asks.forgetGone()
  const { gets, puts, lookups } = asks
  samples.push({ ...(samples.pop() as Sample), gets: { ...gets }, puts: { ...puts }, lookups: { ...lookups } })
  if (lost) town.notes.push(`stopped at ${hoursText(end)}: a chunk was lost`)
  const hash = world.fingerprint()
  asks.stop()
  const verdicts = judge(scenario, samples)
  return {
    ...{ scenario, samples, verdicts, hash, costs, notes: town.notes },
    struck: [...town.struck, ...scenario.events.flatMap((event) => struckBy(event, struck.get(event) ?? null))],
    ...{ met: verdicts.every(({ met }) => met), events: world.events, startMs: zero },
  }
}

/** Nothing for the loss of packets, which strikes nobody in particular. */
function struckBy(event: ScenarioEvent, count: number | null): Struck[] {
  const unit = event.kind === 'rot' ? 'copy' : event.kind === 'one-way' ? 'pair of nodes' : 'node'
  return event.kind === 'loss' ? [] : [{ what: eventText(event), count, unit }]
}
