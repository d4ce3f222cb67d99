/** Which curves a run has. Pure. */
import type { Outcome } from '../run/run.ts'
import { type Sample, shareOf, type Tally, type Traffic } from '../samples.ts'
import type { Point, TimeChart } from './time-chart.ts'

/** Measured on real processes, to lie over the curves of a run: milliseconds on the axis of the run. */
export interface RealCurve {
  readonly points: readonly { readonly t: number; readonly fewest: number; readonly median: number }[]
}

const MB = 1_000_000
/** A success is one of the last minutes: in one sample there are one or two questions. */
const LAST_MS = 5 * 60_000
/** Of a simulated curve, before and after the measured one. */
const AROUND_MS = 5000

export function chartsOf({ samples, costs }: Outcome, real: RealCurve | undefined): TimeChart[] {
  const curve = (read: (sample: Sample) => number): Point[] => samples.map((sample) => [sample.at, read(sample)])
  return [
    {
      title: 'Copies of a chunk',
      lead: 'Right copies on live honest nodes. Seven are wanted; a chunk is lost at zero.',
      unit: 'copies',
      include: [7],
      curves: [
        { name: 'fewest', points: curve(({ copies }) => copies.fewest) },
        { name: 'tenth percentile', points: curve(({ copies }) => copies.p10) },
        { name: 'median', points: curve(({ copies }) => copies.median) },
        { name: 'most', points: curve(({ copies }) => copies.most) },
      ],
    },
    ...(real ? [besideReal(samples, real)] : []),
    {
      title: 'Chunks without a copy',
      lead: 'No live honest node holds the chunk. What is still so at the end is lost.',
      unit: 'chunks',
      include: [1],
      curves: [{ name: 'without a copy', points: curve(({ copies }) => copies.lost) }],
    },
    {
      title: 'Repair',
      lead: 'Chunk bytes that nodes sent to neighbours who lacked them.',
      unit: 'MB per minute',
      curves: [
        { name: 'repair', points: rate(samples, ({ repairBytes }) => repairBytes / MB) },
        { name: 'fresh chunks', points: rate(samples, ({ freshBytes }) => freshBytes / MB) },
      ],
    },
    {
      title: 'What keeps it running',
      lead: 'All other bytes that nodes sent. Signatures and proofs make most of it.',
      unit: 'MB per minute',
      curves: [
        { name: 'lookups and joins', points: rate(samples, ({ dhtBytes }) => dhtBytes / MB) },
        { name: 'hints, checks, audits', points: rate(samples, ({ talkBytes }) => talkBytes / MB) },
        { name: 'clients', points: rate(samples, ({ clientBytes }) => clientBytes / MB) },
      ],
    },
    {
      title: 'Messages',
      lead: 'Of all nodes together.',
      unit: 'per minute',
      curves: [{ name: 'messages', points: rate(samples, ({ messages }) => messages) }],
    },
    {
      title: 'Questions that were answered',
      lead: `Of those answered in the last ${LAST_MS / 60_000} minutes: lookups that found four of the seven nearest, gets that came with the right bytes. What was never answered counts at the end.`,
      unit: '%',
      include: [100],
      curves: (['lookups', 'gets', 'puts'] as const)
        .map((name) => ({ name, points: recent(samples, (sample) => sample[name]) }))
        .filter(({ points }) => points.some(([, value]) => Number.isFinite(value))),
    },
    {
      title: 'Trust',
      lead: 'What honest nodes think of those they know: 0.5 is neutral.',
      unit: 'score',
      include: [1],
      curves: [
        { name: 'of honest nodes', points: curve(({ trust }) => trust.ofHonest) },
        { name: 'of liars', points: curve(({ trust }) => trust.ofLiars) },
        { name: 'of full disks', points: curve(({ trust }) => trust.ofFull) },
      ].filter(({ points }) => points.some(([, value]) => Number.isFinite(value))),
    },
    {
      title: 'Keys that wait',
      lead: 'For verification or for a fetch.',
      unit: 'keys',
      include: [1],
      curves: [
        { name: 'all nodes', points: curve(({ queued }) => queued) },
        { name: 'the busiest', points: curve(({ queuedMost }) => queuedMost) },
      ],
    },
    {
      title: 'Live nodes',
      lead: 'Liars and the cut off included.',
      unit: 'nodes',
      curves: [{ name: 'nodes', points: curve(({ live }) => live) }],
    },
    {
      title: 'Memory of the simulator',
      lead: 'The whole network is one process.',
      unit: 'MiB',
      curves: [{ name: 'resident', points: costs.map(({ at, rssBytes }) => [at, rssBytes / 2 ** 20]) }],
    },
    {
      title: 'Time of the simulator',
      lead: 'Real seconds since the run began.',
      unit: 'seconds',
      curves: [{ name: 'real time', points: costs.map(({ at, realMs }) => [at, realMs / 1000]) }],
    },
  ]
}

/** Both on one axis, as long as the measured one goes. */
function besideReal(samples: readonly Sample[], { points }: RealCurve): TimeChart {
  const from = Math.max(0, (points[0]?.t ?? 0) - AROUND_MS)
  const to = (points.at(-1)?.t ?? 0) + AROUND_MS
  const own = samples.filter(({ at }) => at >= from && at <= to)
  return {
    title: 'Simulated and real',
    lead: 'Copies on the disks of real node processes, counted while the same was done to them, beside those of this run.',
    unit: 'copies',
    range: { from, to },
    curves: [
      { name: 'fewest, simulated', points: own.map(({ at, copies }): Point => [at, copies.fewest]) },
      { name: 'fewest, real', points: points.map(({ t, fewest }): Point => [t, fewest]) },
      { name: 'median, simulated', points: own.map(({ at, copies }): Point => [at, copies.median]) },
      { name: 'median, real', points: points.map(({ t, median }): Point => [t, median]) },
    ],
  }
}

/** By the minute, between a sample and the one before. */
function rate(samples: readonly Sample[], read: (traffic: Traffic) => number): Point[] {
  return samples.slice(1).map((sample, i) => {
    const before = samples[i] as Sample
    return [sample.at, (read(sample.traffic) - read(before.traffic)) / ((sample.at - before.at) / 60_000)]
  })
}

function recent(samples: readonly Sample[], read: (sample: Sample) => Tally): Point[] {
  const last = samples.at(-1)
  const answered = (tally: Tally) => tally.tried - tally.open
  let first = 0
  return samples.map((sample) => {
    while ((samples[first + 1]?.at ?? Number.POSITIVE_INFINITY) <= sample.at - LAST_MS) first++
    const before = sample.at >= LAST_MS ? read(samples[first] as Sample) : { tried: 0, succeeded: 0, open: 0 }
    const now = read(sample)
    const tried = (sample === last ? now.tried : answered(now)) - answered(before)
    const share = shareOf({ tried, succeeded: now.succeeded - before.succeeded })
    return [sample.at, share * 100]
  })
}
