/** A scenario as data: what a network is like, what happens to it, and what must be true. Times in milliseconds. */

/** So many, or a share of all (0..1). */
export type Amount =
  | { readonly kind: 'count'; readonly count: number }
  | { readonly kind: 'share'; readonly share: number }

/** What a liar does; each is a whole node over a store that lies. */
export const LIES = ['claims', 'forgets', 'corrupts', 'mute'] as const
/**
 * claims: says of every chunk that it holds it, and holds none. forgets: takes a chunk, deletes it, and still claims it.
 * corrupts: serves wrong bytes. mute: never answers who asks for bytes.
 */
export type Lie = (typeof LIES)[number]

export const DISK_FAULTS = ['read-only', 'reads', 'writes', 'everything', 'unplugged'] as const
export type DiskFault = (typeof DISK_FAULTS)[number]

export const MOMENTS = ['kill', 'restart', 'replace', 'join', 'rot'] as const
/** kill: power off, the disk stays. replace: gone for ever, and a new identity joins. rot: bits of copies flip. */
export interface Moment {
  readonly kind: (typeof MOMENTS)[number]
  readonly at: number
  readonly amount: Amount
}

export const SPANS = ['churn', 'partition', 'one-way', 'full', 'disks', 'loss'] as const
/**
 * churn: this share is replaced in an hour. partition: this share of the nodes is cut off from the rest. one-way: this
 * share of the ordered pairs cannot dial. full, disks: this share of the disks is full or has the fault. loss: of packets.
 */
export interface Span {
  readonly kind: (typeof SPANS)[number]
  readonly from: number
  readonly to: number
  readonly share: number
  /** Of `disks`. */
  readonly fault?: DiskFault
}

export type ScenarioEvent = Moment | Span

export const MEASURES = [
  'lost',
  'copies',
  'median copies',
  'gets',
  'puts',
  'lookups',
  'trust of liars',
  'trust of honest',
] as const
export type Measure = (typeof MEASURES)[number]

export interface Expectation {
  readonly measure: Measure
  readonly sign: '=' | '>=' | '<='
  /** Shares of `gets`, `puts` and `lookups` are 0..1. */
  readonly value: number
  /** At the end, or at some instant of the `withinMs` after `of`. */
  readonly when: { readonly kind: 'end' } | { readonly kind: 'within'; readonly withinMs: number; readonly of: number }
}

export interface Scenario {
  readonly nodes: number
  readonly chunks: { readonly count: number; readonly bytes: number; readonly by: 'placed' | 'put' }
  /** After the network stands and holds its chunks. */
  readonly runMs: number
  readonly seed: number
  readonly sampleMs: number
  readonly store: 'disk' | 'memory'
  /** 0..1 */
  readonly loss: number
  /** One way between any two; regions without. */
  readonly latencyMs?: number
  /** Bytes per second of each line. */
  readonly bandwidth: number
  readonly liars: readonly { readonly share: number; readonly lie: Lie }[]
  /** Share of disks that are full from the beginning. */
  readonly full: number
  /** A node reads all its chunks so often; never without. */
  readonly scrubMs?: number
  /** Of a client, in a virtual minute. */
  readonly gets: number
  readonly puts: number
  readonly lookups: number
  /** The run ends when a chunk is lost. */
  readonly stopWhenLost: boolean
  readonly events: readonly ScenarioEvent[]
  readonly expectations: readonly Expectation[]
}

export const SCENARIO_DEFAULTS: Scenario = Object.freeze({
  nodes: 10,
  chunks: Object.freeze({ count: 100, bytes: 1024, by: 'placed' as const }),
  runMs: 10 * 60_000,
  seed: 1,
  sampleMs: 60_000,
  store: 'disk' as const,
  loss: 0.001, // an ordinary day of the internet
  bandwidth: 12_500_000, // 100 Mbit/s, a home line with fibre
  liars: [],
  full: 0,
  gets: 2,
  puts: 0,
  lookups: 2,
  stopWhenLost: false,
  events: [],
  expectations: [],
})

export function isMoment(event: ScenarioEvent): event is Moment {
  return 'at' in event
}

/** The end of an event, for a run that must hold it. */
export function endOf(event: ScenarioEvent): number {
  return isMoment(event) ? event.at : event.to
}

export function beginOf(event: ScenarioEvent): number {
  return isMoment(event) ? event.at : event.from
}

/** The same for another duration: what would begin later falls away, spans are cut, and so are expectations. */
export function withRun(scenario: Scenario, runMs: number): Scenario {
  const events = scenario.events
    .filter((event) => beginOf(event) < runMs)
    .map((event) => (isMoment(event) || event.to <= runMs ? event : { ...event, to: runMs }))
  const expectations = scenario.expectations.filter(
    ({ when }) => when.kind === 'end' || when.of + when.withinMs <= runMs,
  )
  return { ...scenario, runMs, events, expectations }
}
