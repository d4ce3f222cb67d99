/** What a run of chaos came to (pure): figures, judgement, table. */
import { UPHEAVALS, type UpheavalKind } from './plan.ts'
import type { RepairFigures } from './repairs.ts'

export interface Happened {
  readonly at_ms: number
  readonly kind: UpheavalKind
  readonly text: string
  readonly outcome: 'done' | 'held back' | 'failed'
  readonly why?: string
}

export interface ChaosVerdict {
  /** Nothing that was confirmed is lost, nothing wrong was read, no node failed by itself. */
  readonly ok: boolean
  readonly interrupted: boolean
  readonly seed: number
  readonly nodes: number
  readonly elapsed_ms: number
  readonly uploads_confirmed: number
  readonly uploads_refused: number
  readonly bytes_confirmed: number
  readonly chunks_confirmed: number
  /** Confirmed, and without a sound copy anywhere. */
  readonly chunks_lost: readonly string[]
  /** Uploads that could not be read in the end, though everybody was back. */
  readonly unreadable: readonly string[]
  /** Uploads that gave other bytes at some attempt of the final check, also when a later one was right. */
  readonly wrong_at_end: readonly string[]
  /** Null: none was counted. */
  readonly least_copies: number | null
  readonly chunks_below: number
  readonly repairs: number
  readonly slowest_repair_ms: number | null
  readonly slowest_spread_ms: number | null
  readonly longest_open_ms: number | null
  readonly reads: number
  readonly reads_failed: number
  readonly reads_wrong: number
  readonly worst_read_ms: number
  readonly worst_upload_ms: number
  /** Calls that ended neither well nor badly. */
  readonly hangs: number
  /** What a node did by itself that it must not: died, did not start. */
  readonly faults: readonly string[]
  readonly read_failures: readonly string[]
  readonly refusals: readonly string[]
  readonly upheavals: readonly Happened[]
  /** How often each kind was carried out: a verdict says nothing of those with 0. */
  readonly done: Readonly<Record<UpheavalKind, number>>
  /** What was asked for and could not come. */
  readonly notes: readonly string[]
}

export function judge(
  figures: Omit<ChaosVerdict, 'ok' | 'done' | keyof ReturnType<typeof flat>>,
  repairs: RepairFigures,
): ChaosVerdict {
  const { chunks_lost, unreadable, wrong_at_end, reads_wrong, faults, hangs, upheavals } = figures
  const bad = chunks_lost.length + unreadable.length + wrong_at_end.length + reads_wrong + faults.length + hangs
  // Nothing that was confirmed is lost where nothing was confirmed: no good news.
  const something = figures.interrupted || figures.uploads_confirmed > 0
  const timesDone = (kind: UpheavalKind) => upheavals.filter((event) => event.kind === kind && event.outcome === 'done')
  const done = Object.fromEntries(UPHEAVALS.map((kind) => [kind, timesDone(kind).length])) as ChaosVerdict['done']
  return { ok: bad === 0 && something, ...figures, ...flat(repairs), done }
}

function flat({ slowestRepairMs, slowestSpreadMs, longestOpenMs, repairs, below }: RepairFigures) {
  return {
    repairs,
    chunks_below: below,
    slowest_repair_ms: slowestRepairMs ?? null,
    slowest_spread_ms: slowestSpreadMs ?? null,
    longest_open_ms: longestOpenMs ?? null,
  }
}

/** Lines for people. */
export function verdictTable(verdict: ChaosVerdict): string {
  const { upheavals } = verdict
  const outcome = (wanted: Happened['outcome']) => upheavals.filter((event) => event.outcome === wanted).length
  const rows: (readonly [string, string])[] = [
    ['upheavals', `${outcome('done')} done, ${outcome('held back')} held back, ${outcome('failed')} failed`],
    ['done by kind', UPHEAVALS.map((kind) => `${kind} ${verdict.done[kind]}`).join(', ')],
    [
      'uploads confirmed',
      `${verdict.uploads_confirmed} (${verdict.uploads_refused} were refused and promised nothing)`,
    ],
    ['chunks confirmed', `${verdict.chunks_confirmed}, ${verdict.least_copies ?? 0} copies at least`],
    ['chunks lost', `${verdict.chunks_lost.length}`],
    ['uploads unreadable', `${verdict.unreadable.length}`],
    ['wrong at the end', `${verdict.wrong_at_end.length}`],
    ['slowest repair', `${time(verdict.slowest_repair_ms)} (${verdict.repairs} repairs)`],
    ['slowest spread', `${time(verdict.slowest_spread_ms)} from confirmed to all copies`],
    ['still below', `${verdict.chunks_below} chunks, the longest for ${time(verdict.longest_open_ms)}`],
    ['reads', `${verdict.reads}, of which ${verdict.reads_failed} failed and ${verdict.reads_wrong} were wrong`],
    ['worst read', time(verdict.worst_read_ms)],
    ['worst upload', time(verdict.worst_upload_ms)],
    ['hangs', `${verdict.hangs}`],
    ['faults of nodes', `${verdict.faults.length}`],
  ]
  const lines = rows.map(([name, value]) => `${name.padEnd(20)}${value}`)
  const details = [
    ...verdict.faults.map((fault) => `fault: ${fault}`),
    ...verdict.chunks_lost.map((address) => `lost: ${address}`),
    ...verdict.unreadable.map((text) => `unreadable: ${text}`),
    ...verdict.wrong_at_end.map((text) => `wrong bytes: ${text}`),
    ...verdict.read_failures.map((text) => `read failed: ${text}`),
    ...verdict.notes.map((text) => `note: ${text}`),
  ]
  const name = verdict.ok ? 'GOOD' : 'BAD'
  const judgement = `Verdict: ${name}${verdict.interrupted ? ', so far: it was interrupted' : ''} (seed ${verdict.seed})`
  return [...lines, ...details, judgement].join('\n')
}

function time(ms: number | null): string {
  return ms === null ? '-' : `${(ms / 1000).toFixed(1)} s`
}
