/** What a run is judged by, and how it is shown (pure). */

export interface Sample {
  /** Since the load began. */
  readonly seconds: number
  readonly rssBytes: number
  readonly groupBytes: number
  readonly anonBytes: number
  /** Queue lengths by name, from the node's own figures. */
  readonly queues: Readonly<Record<string, number>>
}

/** Lengths that a node may not exceed, by the name of the queue. */
export type Limits = Readonly<Record<string, number>>

/** How many requests ended how: `put stored`, `get busy`, … */
export type Answers = Readonly<Record<string, number>>

export interface RunFacts {
  readonly limitBytes: number
  readonly samples: readonly Sample[]
  readonly limits: Limits
  readonly answers: Answers
  /** The process of the start is still the one that answers. */
  readonly alive: boolean
  readonly oomKills: number
}

export interface Verdict {
  readonly passed: boolean
  readonly lines: readonly { readonly ok: boolean; readonly text: string }[]
}

const MiB = 1024 * 1024

export function judge(run: RunFacts): Verdict {
  const { samples, limits, answers, alive, oomKills } = run
  const sum = (pattern: RegExp) =>
    Object.entries(answers).reduce((total, [name, count]) => total + (pattern.test(name) ? count : 0), 0)
  const served = sum(/ (stored|already|found|notFound)$/)
  const busy = sum(/ busy$/)
  const silent = sum(/ (timeout|unsent)$/)
  const over = Object.entries(limits).filter(([name, limit]) => peakOf(samples, name) > limit)
  const growth = growthOf(samples)
  const peak = Math.max(0, ...samples.map(({ anonBytes }) => anonBytes))
  const lines = [
    {
      ok: alive && oomKills === 0,
      text:
        alive && oomKills === 0
          ? 'never killed, one process from start to end'
          : `killed (${oomKills} times for memory)`,
    },
    { ok: sum(/ wrong$/) === 0, text: `${sum(/ wrong$/)} answers with wrong bytes` },
    { ok: sum(/^put stored$/) > 0 && sum(/^get found$/) > 0, text: `${served} requests served` },
    {
      ok: busy > 0,
      text:
        busy > 0
          ? `${busy} answers "busy": the load was above the limit, and was told so`
          : 'no answer "busy": the load never reached the limit',
    },
    {
      ok: silent <= (served + busy + silent) / 20,
      text: `${silent} requests without an answer (${share(silent, served + busy + silent)}), 5 % at most`,
    },
    {
      ok: over.length === 0,
      text:
        over.length === 0
          ? 'every queue stayed within its limit'
          : `above their limits: ${over.map(([name]) => name).join(', ')}`,
    },
    {
      ok: growth <= 1.2,
      text: `process memory of the last third against the third before: x ${growth.toFixed(2)}, 1.20 at most`,
    },
    {
      ok: peak < run.limitBytes,
      text: `peak of process memory ${(peak / MiB).toFixed(0)} MiB of ${run.limitBytes / MiB} MiB`,
    },
  ]
  return { passed: lines.every(({ ok }) => ok), lines }
}

/** Median of the last third against that of the third before: a leak climbs, a full queue does not. */
function growthOf(samples: readonly Sample[]): number {
  const third = Math.floor(samples.length / 3)
  if (third === 0) return 1
  const median = (part: readonly Sample[]) =>
    part.map(({ anonBytes }) => anonBytes).sort((a, b) => a - b)[part.length >> 1] as number
  return median(samples.slice(-third)) / median(samples.slice(-2 * third, -third))
}

export function peakOf(samples: readonly Sample[], queue: string): number {
  return Math.max(0, ...samples.map(({ queues }) => queues[queue] ?? 0))
}

function share(part: number, whole: number): string {
  return `${whole === 0 ? 0 : ((100 * part) / whole).toFixed(1)} %`
}

/** Values of gauges and counters without labels, and of one label: `name{reason="busy"}` as `name busy`. */
export function parseMetrics(text: string): ReadonlyMap<string, number> {
  const values = new Map<string, number>()
  for (const line of text.split('\n')) {
    const match = /^(\w+)(?:\{(.*)\})? (\S+)$/.exec(line)
    if (!match || line.startsWith('#')) continue
    const labels = [...(match[2] ?? '').matchAll(/="([^"]*)"/g)].map((label) => label[1])
    values.set([match[1], ...labels].join(' '), Number(match[3]))
  }
  return values
}

/** A curve of text: the highest value of each column, between zero and the largest. */
export function curve(
  title: string,
  values: readonly number[],
  unit: string,
  size = { width: 72, height: 10 },
): string {
  const { width, height } = size
  const columns = Array.from({ length: Math.min(width, values.length) }, (_, column) => {
    const [from, to] = [column, column + 1].map((at) =>
      Math.floor((at * values.length) / Math.min(width, values.length)),
    )
    return Math.max(...values.slice(from, Math.max(to as number, (from as number) + 1)))
  })
  const top = Math.max(1, ...columns)
  const rows = Array.from({ length: height }, (_, i) => {
    const level = height - i
    const label = i === 0 ? top.toFixed(0) : level === 1 ? '0' : ''
    return `${label.padStart(7)} |${columns.map((value) => ((value / top) * height >= level - 0.5 ? '#' : ' ')).join('')}`
  })
  return [`${title}, ${unit}`, ...rows, `${' '.repeat(8)}+${'-'.repeat(columns.length)}`].join('\n')
}

export function tableOf(head: readonly string[], rows: readonly (readonly (string | number)[])[]): string {
  const all = [head, ...rows.map((row) => row.map(String))]
  const widths = head.map((_, i) => Math.max(...all.map((row) => (row[i] ?? '').length)))
  return all
    .map((row) =>
      row
        .map((cell, i) => (i === 0 ? cell.padEnd(widths[i] as number) : cell.padStart(widths[i] as number)))
        .join('  '),
    )
    .join('\n')
}
