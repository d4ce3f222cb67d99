/**
 * What happens to which node when (pure): the same seed and numbers give the same plan. Nodes are slots; a node that is
 * replaced leaves its slot to another one. At most `mostOut` slots are in trouble at a time, so that of the holders of
 * a chunk no more are; whether that leaves enough copies in fact is asked again when the time has come (guard.ts).
 */
import { hour, type Random, randomBelow, randomBetween } from '../../base/index.ts'

export const UPHEAVALS = [
  'kill', // SIGKILL, started again later
  'restart', // SIGTERM, started again at once
  'freeze', // SIGSTOP, SIGCONT
  'fill', // the disk says that it is full
  'vanish', // the chunk folder is gone, and comes back
  'corrupt', // bits of some chunk files are flipped
  'cut', // no packets between two nodes, both ways or one
  'isolate', // no packets between a node and all others; clients reach it
  'replace', // gone for ever; a fresh one comes in its place
] as const
export type UpheavalKind = (typeof UPHEAVALS)[number]

export interface Upheaval {
  /** Milliseconds since the start. */
  readonly at: number
  readonly kind: UpheavalKind
  readonly slot: number
  /** The other end of a cut. */
  readonly other?: number
  /** Cut: only what goes from `slot` to `other` is lost. */
  readonly oneWay?: boolean
  /** Fill: not one byte left, or less than the reserve. */
  readonly brimful?: boolean
  /** Until it is undone; 0 for what is done at once. */
  readonly forMs: number
}

export interface PlanRequest {
  readonly nodes: number
  readonly durationMs: number
  /** Mean pause between two upheavals. */
  readonly everyMs: number
  /** Per cent of the nodes that are replaced each hour. */
  readonly churn: number
  /** Nodes in trouble at a time. */
  readonly mostOut: number
}

/** How often each comes, replacing aside. */
const WEIGHTS: readonly (readonly [UpheavalKind, number])[] = [
  ['kill', 5],
  ['restart', 3],
  ['freeze', 3],
  ['cut', 3],
  ['fill', 2],
  ['vanish', 2],
  ['corrupt', 2],
  ['isolate', 2],
]
/** Pairs of nodes that do not hear each other, at a time. */
const MOST_CUTS = 2
/** In pauses between upheavals: how long a trouble lasts, and how long its node is left alone after it. */
const LASTS = [0.5, 2.5] as const
const REST = 1

/** In the order of time; all are undone before the end. */
export function planChaos(request: PlanRequest, random: Random): Upheaval[] {
  const { nodes, durationMs, everyMs, mostOut } = request
  const plan: Upheaval[] = []
  /** Until when a slot is left alone, and which of them are in trouble until then. */
  const busy = new Map<number, number>()
  const out = new Map<number, number>()
  const cuts: number[] = []
  let replaced = 0
  const due = replaceTimes(request, random)
  let at = 0
  for (;;) {
    at += Math.round(randomBetween(random, 0.5, 1.5) * everyMs)
    const forMs = Math.round(randomBetween(random, ...LASTS) * everyMs)
    if (at + forMs > durationMs) return plan
    for (const slots of [busy, out]) for (const [slot, until] of slots) if (until <= at) slots.delete(slot)
    const free = Array.from({ length: nodes }, (_, slot) => slot).filter((slot) => !busy.has(slot))
    const full = out.size >= mostOut
    const kind = (due[replaced] ?? Infinity) <= at && !full ? 'replace' : kindOf(random)
    const slot = free[randomBelow(random, free.length)]
    const others = free.filter((candidate) => candidate !== slot)
    const other = others[randomBelow(random, others.length)]
    const dice = random.float() < 0.5
    // The dice are thrown in any case: what is left out does not shift what follows.
    if (slot === undefined) continue
    const rest = at + forMs + REST * everyMs
    if (kind === 'cut') {
      if (other === undefined || cuts.filter((until) => until > at).length >= MOST_CUTS) continue
      plan.push({ at, kind, slot, other, oneWay: dice, forMs })
      cuts.push(at + forMs)
      busy.set(slot, rest).set(other, rest)
      continue
    }
    if (full) continue
    if (kind === 'replace') replaced++
    const atOnce = kind === 'replace' || kind === 'corrupt' || kind === 'restart'
    plan.push({ at, kind, slot, forMs: atOnce ? 0 : forMs, ...(kind === 'fill' && { brimful: dice }) })
    busy.set(slot, rest)
    // What is done at once takes its time to heal too.
    out.set(slot, atOnce ? rest : at + forMs + everyMs / 2)
  }
}

/** How many nodes the churn replaces in all, rounded. */
export function replacementsOf({
  nodes,
  durationMs,
  churn,
}: Pick<PlanRequest, 'nodes' | 'durationMs' | 'churn'>): number {
  return Math.round((nodes * churn * durationMs) / (100 * hour))
}

/** Evenly over the whole, each somewhere in the first half of its part: there must be time for it. */
function replaceTimes(request: PlanRequest, random: Random): number[] {
  const count = replacementsOf(request)
  return Array.from({ length: count }, (_, i) => ((i + random.float() / 2) / count) * request.durationMs)
}

function kindOf(random: Random): UpheavalKind {
  let left = randomBelow(
    random,
    WEIGHTS.reduce((sum, [, weight]) => sum + weight, 0),
  )
  for (const [kind, weight] of WEIGHTS) {
    left -= weight
    if (left < 0) return kind
  }
  return 'kill'
}

/** One line for people. */
export function sentenceOfUpheaval({ kind, slot, other, oneWay, brimful, forMs }: Upheaval): string {
  const time = ` for ${(forMs / 1000).toFixed(1)} s`
  switch (kind) {
    case 'kill':
      return `node ${slot} is killed${time}`
    case 'restart':
      return `node ${slot} is restarted`
    case 'freeze':
      return `node ${slot} is frozen${time}`
    case 'fill':
      return `the disk of node ${slot} is full${brimful ? ' to the brim' : ''}${time}`
    case 'vanish':
      return `the disk of node ${slot} is gone${time}`
    case 'corrupt':
      return `chunk files of node ${slot} are corrupted`
    case 'cut':
      return `no packets ${oneWay ? 'from' : 'between'} node ${slot} ${oneWay ? 'to' : 'and'} ${other}${time}`
    case 'isolate':
      return `no packets between node ${slot} and all others${time}`
    case 'replace':
      return `node ${slot} is gone for ever, a fresh one takes its place`
  }
}
