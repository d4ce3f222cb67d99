import assert from 'node:assert/strict'
import { test } from 'node:test'
import { latencyRow, rowOf } from '../../../bench/measure.ts'
import { together } from '../../../bench/report/bars.ts'
import { goalCurves, isGoalFile, parseGoals } from '../../../bench/report/goals.ts'
import { coursesOf } from '../../../bench/report/history.ts'
import { page } from '../../../bench/report/page.ts'
import { lineCharts, stripCharts } from '../../../bench/report/series.ts'
import type { BenchReport, FiledRow } from '../../../bench/result-file.ts'
import { axisFor, axisNumber, escapeText, Markup, markup, spaced } from '../../../src/page/index.ts'

const EVIL = `"><script src=https://evil.example/x.js></script><img src=x onerror='alert(1)'>&`

function report(rows: readonly FiledRow[], taken_at = '2026-11-27T10:00:00Z', cpu = 'Test CPU'): BenchReport {
  const machine = {
    ...{ cpu, arch: 'x64', cores: 2, governor: null, memory_bytes: 2 ** 34, cgroup_memory_bytes: 2 ** 29 },
    ...{ cgroup_cpus: 1, kernel: 'Linux', node: 'v26', backend: 'native', revision: 'abc', dirty: false },
    ...{ load: [0.1, 0, 0], load_after: [1, 0, 0] },
  }
  return { kind: 'myrmex-bench', machine, level: 'full', taken_at, seconds: 1, rows, failed: [] }
}

function sizes(name: string): FiledRow[] {
  return [32, 1024, 2 ** 22].map((x) => ({
    file: 'kernel/blake3',
    ...rowOf(`blake3 ${x} B`, 'MB/s', [[name, [x, x * 1.1, x * 0.9]]], {
      place: { chart: 'BLAKE3 by input size', x, xTitle: 'input', xUnit: 'B' },
    }),
  }))
}

function everything(name: string): FiledRow[] {
  const place = { chart: 'speed-up', line: name, xTitle: 'workers', xUnit: 'n', y: 'ratio' } as const
  const workers = rowOf(
    'hash by workers',
    'MB/s',
    [
      ['1 worker', [10]],
      ['2 workers', [19]],
    ],
    { place },
  )
  const results = workers.results.map((result, i) => ({ ...result, x: i + 1 }))
  return [
    ...sizes(name),
    { file: 'kernel/pool', ...workers, results },
    { file: 'channel/quic', ...latencyRow(`latency ${name}`, 'ms', [[name, [1, 2, 3, 40]]]) },
    { file: 'room/codec', ...rowOf(`encode ${name}`, '/s', [[name, [5, 6, 7]]]) },
  ]
}

test('text is escaped, markup is not, and nothing else gets in', () => {
  assert.equal(escapeText(`<a href="x" y='z'>&\``), '&#60;a href=&#34;x&#34; y=&#39;z&#39;&#62;&#38;&#96;')
  assert.equal(
    markup`<b>${'<i>'}${new Markup('<i>')}${[1, false, undefined, '&']}</b>`.text,
    '<b>&#60;i><i>1&#38;</b>'.replace('i>', 'i&#62;'),
  )
})

test('a page of hostile names has none of their elements, and asks nobody for anything', () => {
  const goals = parseGoals(
    {
      machine: {},
      rows: [
        {
          id: EVIL,
          title: EVIL,
          goal: EVIL,
          measured: EVIL,
          unit: EVIL,
          note: EVIL,
          section: EVIL,
          spread: 0.1,
          reached: false,
          curve: [
            { n: 1, value: 2 },
            { n: 10, value: 3 },
          ],
        },
      ],
    },
    'x',
  )
  const benches = [report(everything(EVIL), '2026-01-01', EVIL), report(everything(EVIL), '2026-02-01', EVIL)]
  const html = page({ benches, goals })
  assert.equal(html.match(/<script/g)?.length, 1)
  assert.equal(html.match(/<img|<link|<iframe|<object|<use|onerror='/g), null)
  // What was put in has its quotes escaped: an attribute with real ones is the page's own.
  const targets = [...html.matchAll(/\s(?:src|srcset|href|action|data|poster|xlink:href)="([^"]*)"/g)].map(
    ([, to]) => to,
  )
  assert.ok(targets.length > 3 && targets.every((to) => to?.startsWith('#')), targets.join())
  assert.equal(html.match(/@import|url\(/g), null)
  assert.ok(html.includes(`default-src 'none'`))
})

test('a page shows what it was given: charts with a table behind each, goals, history', () => {
  const goals = parseGoals(
    { machine: {}, rows: [{ id: 'g', goal: '>= 2 x', measured: 2.5, spread: 0.04, reached: true }] },
    'x',
  )
  const html = page({
    benches: [report(everything('native'), '2026-01-01'), report(everything('native'), '2026-02-01')],
    goals,
  })
  for (const id of ['goals', 'throughput', 'workers', 'latency', 'rooms', 'history', 'rows'])
    assert.ok(html.includes(`<section id="${id}"`), id)
  assert.ok(html.includes('✓ reached') && html.includes('±2 %'))
  const charts = html.match(/<svg class="chart wide"/g)?.length ?? 0
  assert.equal(charts, 3)
  assert.equal(html.match(/<summary>Figures<\/summary>/g)?.length, charts)
  assert.ok(html.includes('512 MiB memory') || html.includes('0.5 GiB memory'))
})

test('a page without benches, without goals, and with rows of one point still stands', () => {
  const goals = parseGoals({ rows: [{ id: 'g', goal: '1', measured: null, spread: null, reached: null }] }, 'x')
  assert.ok(page({ benches: [], goals }).includes('not measured'))
  assert.ok(page({ benches: [report(sizes('native').slice(0, 1))], goals: undefined }).includes('blake3 32 B'))
  assert.ok(page({ benches: [report([])], goals: undefined }).includes('</html>'))
})

test('lines are made of rows, of their results, and of ratios', () => {
  const [bySize, byWorkers] = lineCharts(everything('native'))
  assert.deepEqual(
    bySize?.lines[0]?.points.map(({ x, y }) => [x, y]),
    [
      [32, 32],
      [1024, 1024],
      [2 ** 22, 2 ** 22],
    ],
  )
  assert.deepEqual(
    byWorkers?.lines[0]?.points.map(({ x, y }) => [x, y]),
    [
      [1, 1],
      [2, 1.9],
    ],
  )
  assert.equal(stripCharts(everything('native'))[0]?.strips[0]?.quantiles.get(0.5), 2.5)
})

test('axes: logarithmic where decades are spanned, from zero where not, and ticks that do not touch', () => {
  const log = axisFor([30, 9000])
  assert.deepEqual([log.log, log.low, log.high], [true, 10, 10_000])
  assert.ok(Math.abs(log.at(1000) - 2 / 3) < 1e-9)
  const flat = axisFor([40, 97])
  assert.deepEqual([flat.log, flat.low, flat.high], [false, 0, 100])
  assert.deepEqual(flat.ticks, [0, 50, 100])
  assert.equal(axisFor([0, 5000]).log, false)
  assert.deepEqual(
    spaced(
      [1, 2, 3, 4],
      (tick) => tick * 10,
      () => 8,
    ),
    [2, 4],
  )
  assert.deepEqual([1500, 2e6, 0.25].map(axisNumber), ['1.5k', '2M', '0.25'])
})

test('history: better is up whichever way the unit points, and what is within the spread is no change', () => {
  const of = (id: string, unit: string, value: number): FiledRow => ({
    file: 'f',
    ...rowOf(id, unit, [['a', [value, value, value]]]),
  })
  const courses = coursesOf([
    report([of('rate', '/s', 10), of('time', 'ms', 10), of('same', '/s', 10), of('gone', '/s', 1)]),
    report([of('rate', '/s', 20), of('time', 'ms', 20), of('same', '/s', 10.2), of('new', '/s', 1)]),
  ])
  assert.deepEqual(
    courses.map(({ row, change, clear }) => [row.id, change, clear]),
    [
      ['rate', 2, true],
      ['time', 0.5, true],
      ['same', 1.02, false],
    ],
  )
})

test('bars alone are put together under the words that they share', () => {
  const of = (id: string): FiledRow => ({ file: 'f', ...rowOf(id, 'MiB', [['a', [1]]]) })
  const [row, ...rest] = together([of('memory, 1000 nodes'), of('memory, 10000 nodes')])
  assert.equal(rest.length, 0)
  assert.equal(row?.id, 'memory')
  assert.deepEqual(
    row?.results.map(({ name }) => name),
    ['1000 nodes', '10000 nodes'],
  )
})

test('a curve of a goal has one line a figure, and points that are none are left out', () => {
  const curve = [{ n: 10, up_mib: 2, down_mib: 3 }, { n: 1, up_mib: 1 }, { n: 'x' }, { n: 5, up_mib: null }]
  const { rows } = parseGoals({ machine: {}, rows: [{ id: 'g', goal: '1', curve }] }, 'x')
  assert.deepEqual(
    goalCurves(rows)[0]?.lines.map(({ name, points }) => [name, points.map(({ x, y }) => [x, y])]),
    [
      [
        'up mib',
        [
          [1, 1],
          [10, 2],
        ],
      ],
      ['down mib', [[10, 3]]],
    ],
  )
})

test('a file of goals is told from a file of benches', () => {
  assert.equal(isGoalFile({ rows: [{ id: 'a', goal: 1 }] }), true)
  assert.equal(isGoalFile({ rows: [{ id: 'a', unit: 's', results: [] }] }), false)
  assert.equal(isGoalFile({ rows: [] }), false)
  assert.equal(isGoalFile(null), false)
})
