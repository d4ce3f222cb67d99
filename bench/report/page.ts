/** The page: one file, no request to anywhere, readable without its script. */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { CHART_CSS, Markup, markup, PAGE_SCRIPT, THEME_CSS } from '../../src/page/index.ts'
import { formatNumber, isWide, type Result, WIDE_SPREAD } from '../measure.ts'
import type { BenchReport, FiledRow } from '../result-file.ts'
import { barTable, rowTable, together } from './bars.ts'
import { type GoalReport, goalCurves, goalTable } from './goals.ts'
import { history } from './history.ts'
import { drawLines, mark, xText } from './line-chart.ts'
import { type LineChart, lineCharts, type StripChart, stripCharts } from './series.ts'
import { drawStrips, stripText } from './strip-chart.ts'

export interface Sources {
  /** Oldest first; the last one is drawn. */
  readonly benches: readonly BenchReport[]
  readonly goals: GoalReport | undefined
}

interface Section {
  readonly id: string
  readonly title: string
  readonly lead: string
  readonly body: Markup
}

export function page({ benches, goals }: Sources): string {
  const bench = benches.at(-1)
  const machine = bench?.machine ?? goals?.machine ?? {}
  const sections = [
    ...(goals ? [goalSection(goals)] : []),
    ...(bench ? benchSections(bench) : []),
    ...(goals && !bench ? growth([], goals) : []),
    ...(benches.length > 1 ? [historySection(benches)] : []),
    ...(bench ? [everyRow(bench)] : []),
  ]
  if (bench && goals) {
    const at = sections.findIndex(({ id }) => id === 'growth')
    const drawn = growth(bench.rows, goals)
    if (at >= 0) sections.splice(at, 1, ...drawn)
    else sections.splice(1, 0, ...drawn)
  }
  const asset = (name: string) => readFileSync(join(import.meta.dirname, name), 'utf8')
  const allowed = `default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-${createHash('sha256').update(PAGE_SCRIPT).digest('base64')}'`
  return markup`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="${new Markup(allowed)}">
<title>Myrmex benchmarks${machine.revision ? ` at ${machine.revision}` : ''}</title>
<style>${[THEME_CSS, CHART_CSS, ...STYLES.map(asset)].map((text) => new Markup(text))}</style></head><body>
<header><h1>Myrmex benchmarks</h1><button class="theme" type="button" hidden>Theme</button>${facts(machine, bench, goals)}</header>
<nav aria-label="Sections"><ul>${sections.map(({ id, title }) => markup`<li><a href="#${id}">${title}</a></li>`)}</ul></nav>
<main>${bench && tiles(bench.rows)}${bench && doubts(bench)}
${sections.map(({ id, title, lead, body }) => markup`<section id="${id}" aria-labelledby="${id}-title"><h2 id="${id}-title">${title}</h2>${lead !== '' && markup`<p class="lead">${lead}</p>`}${body}</section>`)}
</main>
<footer>Figures are medians of rounds taken in turn; ± is half the distance between their 10th and 90th percentile, as a share of the median. Whiskers reach from the smallest to the largest round. Ratios are to the first contender of a row. Figures of different machines are not comparable, ratios mostly are.</footer>
<div id="tip" role="status"></div><script>${new Markup(PAGE_SCRIPT)}</script></body></html>
`.text
}

function facts(machine: Partial<BenchReport['machine']>, bench?: BenchReport, goals?: GoalReport): Markup {
  const gib = (bytes: number) => `${Number((bytes / 2 ** 30).toPrecision(3))} GiB`
  const load = (values?: readonly number[]) => values?.[0]?.toFixed(2)
  const limits = [
    machine.cgroup_memory_bytes && `${gib(machine.cgroup_memory_bytes)} memory`,
    machine.cgroup_cpus && `${machine.cgroup_cpus} cores`,
  ].filter((limit) => typeof limit === 'string')
  const list: [string, string | undefined][] = [
    ['processor', machine.cpu ? `${machine.cpu}, ${machine.cores} cores` : undefined],
    ['governor', machine.governor ?? undefined],
    ['memory', machine.memory_bytes ? gib(machine.memory_bytes) : undefined],
    ['group limits', limits.length > 0 ? limits.join(', ') : undefined],
    ['kernel', machine.kernel],
    ['Node', machine.node],
    ['backend', machine.backend],
    ['revision', machine.revision ? `${machine.revision}${machine.dirty ? ' with changes' : ''}` : undefined],
    ['load', machine.load && `${load(machine.load)}${machine.load_after ? ` → ${load(machine.load_after)}` : ''}`],
    ['taken', (bench?.taken_at || goals?.taken_at || '').slice(0, 16).replace('T', ' ') || undefined],
    ['level', bench?.level],
  ]
  return markup`<ul class="facts">${list.map(([name, value]) => value && markup`<li><span>${name}</span> ${value}</li>`)}</ul>`
}

const STYLES = ['tables.css', 'strips.css', 'page.css']

/** The figures that most people come for. */
const TILES: readonly (readonly [text: string, id: RegExp, contender: RegExp, share?: number])[] = [
  ['hash, 4 MiB on one core', /^blake3 4 MiB$/, /^native$/],
  ['seal a chunk on one core', /^seal .* of noise$/, /^native$/],
  ['signatures checked on one core', /^ml-dsa-65 verify$/, /^native$/],
  ['post-quantum handshake, median', /^quic handshake$/, /./, 0.5],
  ['through one connection', /^quic bulk/, /^4 in flight$/],
  ['small requests on one connection', /^quic requests of 1 KiB, 16 in flight$/, /./],
  ['put 100 MB, ten nodes', /^put 100 MB/, /./],
  ['get 100 MB, ten nodes', /^get 100 MB/, /./],
  ['get of one chunk, median', /^chunk latency/, /^get$/, 0.5],
  ['memory of an idle node', /^memory of a node, idle/, /./],
]

function tiles(rows: readonly FiledRow[]): Markup {
  const found = TILES.flatMap(([text, id, contender, share]) => {
    const row = rows.find((candidate) => id.test(candidate.id))
    const result = row?.results.find(({ name }) => contender.test(name))
    if (!row || !result) return []
    const value = share === undefined ? result.median : quantileOf(result, share)
    return [markup`<li><b>${formatNumber(value)} <small>${row.unit}</small></b><span>${text}</span></li>`]
  })
  return found.length > 0 ? markup`<ul class="tiles">${found}</ul>` : markup``
}

function quantileOf(result: Result, share: number): number {
  return result.quantiles?.find((at) => at.share === share)?.value ?? result.median
}

function doubts({ rows, machine, level, failed }: BenchReport): Markup {
  const wide = rows.filter(({ results }) => results.some(isWide)).length
  const busy = (machine.load?.[0] ?? 0) > (machine.cores ?? 1) / 2
  const said = [
    level === 'smoke' && 'This was a smoke run: its figures mean nothing.',
    busy && `The machine was busy when the run began (load ${machine.load[0]} on ${machine.cores} cores).`,
    wide > 0 && `${wide} of ${rows.length} rows have a spread above ±${WIDE_SPREAD * 50} %: marked in the tables.`,
    failed.length > 0 && `${failed.length} benches failed: ${failed.map(({ file }) => file).join(', ')}.`,
  ].filter((sentence) => sentence !== false)
  return said.length > 0 ? markup`<p class="warning">${said.join(' ')}</p>` : markup``
}

function benchSections({ rows }: BenchReport): Section[] {
  const of = (...shelves: string[]) => rows.filter(({ file }) => shelves.some((shelf) => file.startsWith(`${shelf}/`)))
  const charts = (own: readonly FiledRow[]) => lineCharts(own).filter(drawable)
  const sections: [string, string, string, readonly Markup[]][] = [
    [
      'throughput',
      'Throughput by backend and size',
      'The same work on each backend and on what npm offered before. One thread.',
      [
        ...charts(of('kernel').filter(({ place }) => place?.xUnit === 'B')).map((chart) => lineCard(chart, rows)),
        ...barCards(of('kernel').filter(({ file }) => file !== 'kernel/pool')),
      ],
    ],
    [
      'workers',
      'Scaling with workers',
      'The worker pool against one worker; the dotted line is as good as it gets.',
      [
        ...charts(of('kernel').filter(({ place }) => place?.y === 'ratio')).map((chart) => lineCard(chart, rows)),
        ...barCards(of('kernel').filter(({ file }) => file === 'kernel/pool')),
      ],
    ],
    [
      'latency',
      'Latency',
      'Line: 5th to 95th percentile. Box: the middle half. Bar: median. Diamond: 99th percentile.',
      stripCharts(rows).map(stripCard),
    ],
    [
      'network',
      'Files and the channel',
      'A client, ten node processes, loopback: what a user waits for.',
      [
        ...charts(of('walk', 'channel')).map((chart) => lineCard(chart, rows)),
        ...barCards(of('walk', 'channel').filter(({ place }) => !place)),
      ],
    ],
    [
      'growth',
      'Growth',
      'What it costs when the network grows. A flat line is free; on double logarithmic axes a straight one is a power.',
      charts(rows.filter(({ place }) => place?.xUnit === 'n' && place.y !== 'ratio')).map((chart) =>
        lineCard(chart, rows),
      ),
    ],
    [
      'rooms',
      'Rooms',
      'Parts of a node by themselves: codecs, queues, tables, the disk.',
      barCards(of('room').filter(({ place }) => !place)),
    ],
  ]
  return sections
    .filter(([, , , cards]) => cards.length > 0)
    .map(([id, title, lead, cards]) => ({ id, title, lead, body: markup`<div class="cards">${cards}</div>` }))
}

/** A line needs two points somewhere. */
function drawable({ lines }: LineChart): boolean {
  return lines.some(({ points }) => points.length > 1)
}

function growth(rows: readonly FiledRow[], goals: GoalReport): Section[] {
  const own = rows.filter(({ place }) => place?.xUnit === 'n' && place.y !== 'ratio')
  const charts = [...lineCharts(own), ...goalCurves(goals.rows)].filter(drawable)
  if (charts.length === 0) return []
  const lead = 'What it costs when the network grows. A flat line is free.'
  const body = markup`<div class="cards">${charts.map((chart) => lineCard(chart, rows))}</div>`
  return [{ id: 'growth', title: 'Growth', lead, body }]
}

function lineCard(chart: LineChart, rows: readonly FiledRow[]): Markup {
  const slots = slotsOf(chart.lines.map(({ name }) => name))
  const behind = rows.filter(({ place, results }) => place?.chart === chart.title && !results.some((r) => r.quantiles))
  const figures = behind.length > 0 ? rowTable(behind) : curveTable(chart)
  const better = chart.better === 'higher' ? 'higher is better' : 'lower is better'
  const legend = chart.lines.length > 1 || chart.ideal
  return markup`<article class="card"><h3>${capital(chart.title)}</h3><p>${chart.unit}, ${better}</p>
${legend && markup`<ul class="legend">${chart.lines.map(({ name }) => key(name, slots.get(name) ?? 0))}</ul>`}
${drawLines(chart, slots)}<details><summary>Figures</summary>${figures}</details></article>`
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1)
}

function key(name: string, slot: number): Markup {
  return markup`<li><svg class="s${slot}" viewBox="0 0 26 12" aria-hidden="true"><path class="line" d="M1 6H25"/>${mark(slot, 13, 6)}</svg>${name}</li>`
}

function curveTable({ xTitle, xUnit, unit, lines }: LineChart): Markup {
  return markup`<table class="figures"><thead><tr><th scope="col">line</th><th scope="col" class="number">${xTitle}</th><th scope="col" class="number">${unit}</th></tr></thead><tbody>${lines.map(({ name, points }) => points.map(({ x, y }) => markup`<tr><td>${name}</td><td class="number">${xText(x, xUnit)}</td><td class="number">${formatNumber(y)}</td></tr>`))}</tbody></table>`
}

function stripCard(chart: StripChart): Markup {
  return markup`<article class="card"><h3>${capital(chart.title)}</h3><p>${chart.unit}, further left is better</p>
${drawStrips(chart)}<details><summary>Figures</summary><ul>${chart.strips.map((strip) => markup`<li>${stripText(strip, chart.unit)}</li>`)}</ul></details></article>`
}

const FILES: Readonly<Record<string, string>> = {
  'kernel/blake3': 'BLAKE3 in other forms',
  'kernel/ml-dsa': 'ML-DSA-65',
  'kernel/pool': 'Worker pool',
  'kernel/seal': 'Self-encryption of a chunk',
  'room/codec': 'Codecs',
  'room/per-message': 'Per message',
  'room/routing': 'Lookup machine',
  'room/store': 'Chunks on disk',
  'channel/quic': 'QUIC between two processes',
  'walk/file': 'Nodes',
}

/** One card a bench file, for rows that are no points of a line. */
function barCards(rows: readonly FiledRow[]): Markup[] {
  const plain = rows.filter(
    ({ place, results }) => !results.some((r) => r.quantiles) && (!place || place.y === 'ratio'),
  )
  const files = [...new Set(plain.map(({ file }) => file))]
  return files.map((file) => {
    const own = plain.filter((row) => row.file === file)
    return markup`<article class="card"><h3>${FILES[file] ?? file}</h3>${together(own).map((row) => barTable(row, slotsFor(row)))}</article>`
  })
}

/** Bars that are rows of their own are no contenders, and have one colour. */
function slotsFor({ results }: FiledRow): ReadonlyMap<string, number> {
  const rivals = results.every(({ ratio }) => Number.isFinite(ratio))
  return rivals ? slotsOf(results.map(({ name }) => name)) : new Map()
}

/** A backend has one colour on the whole page; the rest take what is left. */
export function slotsOf(names: readonly string[]): ReadonlyMap<string, number> {
  const fixed = ['native', 'wasm', 'js']
  const used = new Set(names.map((name) => fixed.indexOf(name)).filter((at) => at >= 0))
  let next = 0
  return new Map(
    names.map((name) => {
      const own = fixed.indexOf(name)
      if (own >= 0) return [name, own]
      while (used.has(next)) next++
      used.add(next)
      return [name, next % 8]
    }),
  )
}

function goalSection(goals: GoalReport): Section {
  const lead = 'Each row against its yardstick in the same run.'
  return { id: 'goals', title: 'Goals', lead, body: markup`<div class="card">${goalTable(goals)}</div>` }
}

function historySection(benches: readonly BenchReport[]): Section {
  const lead = 'Our own contender of every row, oldest run first. A change counts when it is larger than the spread.'
  return { id: 'history', title: 'History', lead, body: markup`<div class="card">${history(benches)}</div>` }
}

function everyRow({ rows }: BenchReport): Section {
  const body = markup`<div class="card"><details><summary>${rows.length} rows</summary>${rowTable(rows)}</details></div>`
  return { id: 'rows', title: 'Every row', lead: '', body }
}
