/** One scenario from its beginning to its end. The same scenario gives the same outcome, but for what it cost. */
import type { Clock } from '../../base/index.ts'
import { ScenarioError } from '../errors.ts'
import { eventText } from '../format.ts'
import { judge, type Verdict } from '../judge.ts'
import type { Cost, Sample, Struck, Tally } from '../samples.ts'
import type { Scenario, ScenarioEvent } from '../scenario.ts'
import { type Step, timeline } from '../timeline.ts'
import { hoursText } from '../units.ts'
import { Asks } from './asks.ts'
import { Happenings } from './events.ts'
import { Probe } from './probe.ts'
import { Town } from './town.ts'

/** How long unanswered questions are waited for at the end, virtual. */
const LAST_ANSWERS_MS = 30_000
/** How long nobody looks whether the run is to stop, virtual. */
const HEARING_MS = 1000

export interface Outcome {
  readonly scenario: Scenario
  readonly samples: readonly Sample[]
  readonly verdicts: readonly Verdict[]
  /** Every expectation is met, at the end of the run. */
  readonly met: boolean
  /** It was stopped before its end: the verdicts are about what was seen so far. */
  readonly interrupted: boolean
  /** Of every message and every sample: equal for equal runs. */
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
  readonly rssBytes: () => number
  readonly onSample?: (sample: Sample, cost: Cost) => void
}

/** When aborted, what was seen so far; throws SCENARIO_STOPPED when that is nothing, and what a node throws that must not. */
export async function runScenario(scenario: Scenario, options: RunOptions): Promise<Outcome> {
  const began = options.clock.monotonic()
  const town = new Town(scenario)
  await town.found()
  const run = new Run(town, new Asks(town, await town.net.connectClient('people')), options, began)
  await run.go()
  return run.outcome()
}

class Run {
  readonly #town: Town
  readonly #options: RunOptions
  readonly #asks: Asks
  readonly #probe: Probe
  readonly #happenings: Happenings
  readonly #began: number
  /** When the network stood, virtual. */
  readonly #zero: number
  readonly #samples: Sample[] = []
  readonly #costs: Cost[] = []
  readonly #struck = new Map<ScenarioEvent, number>()

  constructor(town: Town, asks: Asks, options: RunOptions, began: number) {
    this.#town = town
    this.#asks = asks
    this.#options = options
    this.#began = began
    this.#probe = new Probe(town, asks)
    this.#happenings = new Happenings(town)
    this.#zero = town.net.world.clock.monotonic()
  }

  async go(): Promise<void> {
    const { scenario, net, notes } = this.#town
    for (const step of timeline(scenario, net.world.random('timeline'))) {
      await this.#reach(step.at)
      if (this.#options.signal.aborted) break
      this.#take(step)
      const last = this.#samples.at(-1)
      if (!scenario.stopWhenLost || step.kind !== 'sample' || !last || last.copies.lost === 0) continue
      notes.push(`stopped at ${hoursText(last.at)}: a chunk was lost`)
      break
    }
    // A question may still be on its way; the figures of copies are those of the end.
    await this.#reach((this.#samples.at(-1)?.at ?? 0) + LAST_ANSWERS_MS)
  }

  outcome(): Outcome {
    const { scenario, net, notes, struck } = this.#town
    const { world } = net
    const interrupted = this.#options.signal.aborted
    const last = this.#samples.pop()
    if (!last) throw new ScenarioError('SCENARIO_STOPPED', 'the run was stopped before it began')
    this.#asks.forgetGone()
    // What is open when a run is stopped has not failed yet.
    const final = (tally: Tally) =>
      interrupted ? { ...tally, tried: tally.tried - tally.open, open: 0 } : { ...tally }
    const { gets, puts, lookups } = this.#asks
    const samples = [...this.#samples, { ...last, gets: final(gets), puts: final(puts), lookups: final(lookups) }]
    for (const each of samples) world.trace.add(JSON.stringify(each))
    const hash = world.fingerprint()
    this.#asks.stop()
    const verdicts = judge(scenario, samples)
    return {
      ...{ scenario, samples, verdicts, hash, notes, interrupted, costs: this.#costs },
      struck: [...struck, ...scenario.events.flatMap((event) => struckBy(event, this.#struck.get(event) ?? null))],
      ...{ met: !interrupted && verdicts.every(({ met }) => met), events: world.events, startMs: this.#zero },
    }
  }

  /** In steps, so that a signal is heard: the minutes between two samples may be real ones. */
  async #reach(at: number): Promise<void> {
    const { world } = this.#town.net
    for (;;) {
      const ahead = this.#zero + at - world.clock.monotonic()
      if (ahead <= 0 || this.#options.signal.aborted) return
      await world.advance(Math.min(ahead, HEARING_MS))
    }
  }

  #take(step: Step): void {
    if (step.kind === 'moment') this.#count(step.of, this.#happenings.moment(step.moment))
    else if (step.kind === 'begin') this.#count(step.span, this.#happenings.begin(step.span))
    else if (step.kind === 'end') this.#happenings.end(step.span)
    else if (step.kind === 'sample') this.#sample(step.at)
    else this.#asks[step.kind]()
  }

  #count(event: ScenarioEvent, more: number): void {
    this.#struck.set(event, (this.#struck.get(event) ?? 0) + more)
  }

  #sample(at: number): void {
    const { clock, onSample, rssBytes } = this.#options
    this.#asks.forgetGone()
    const taken = this.#probe.sample(at)
    const cost = { at, rssBytes: rssBytes(), realMs: clock.monotonic() - this.#began }
    this.#samples.push(taken)
    this.#costs.push(cost)
    onSample?.(taken, cost)
  }
}

/** Nothing for the loss of packets, which strikes nobody in particular. */
function struckBy(event: ScenarioEvent, count: number | null): Struck[] {
  const unit = event.kind === 'rot' ? 'copy' : event.kind === 'one-way' ? 'pair of nodes' : 'node'
  return event.kind === 'loss' ? [] : [{ what: eventText(event), count, unit }]
}
