/** `npm run test:low-memory -- [--minutes M] [--json FILE]` */
import { writeFile } from 'node:fs/promises'
import { cpus, loadavg, release, totalmem } from 'node:os'
import { parseArgs } from 'node:util'
import { LOW_MEMORY_DEFAULTS, type LowMemoryResult, mib, runLowMemory } from './low-memory.ts'
import { curve, peakOf, tableOf } from './samples.ts'

const { values } = parseArgs({ options: { minutes: { type: 'string', default: '10' }, json: { type: 'string' } } })
const minutes = Number(values.minutes)
if (!(minutes > 0 && minutes <= 24 * 60)) {
  process.stderr.write(`--minutes takes a number above 0, not "${values.minutes}"\n`)
  process.exit(2)
}
const stop = new AbortController()
for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => stop.abort(new Error('interrupted')))

const loadBefore = loadavg()
const result = await runLowMemory(
  { ...LOW_MEMORY_DEFAULTS, seconds: minutes * 60, onProgress: (text) => process.stderr.write(`${text}\n`) },
  stop.signal,
).catch((error: unknown) => {
  if (stop.signal.aborted) return 'interrupted: everything is stopped and removed'
  throw error
})
if (typeof result === 'string') {
  process.stderr.write(`low-memory run not possible: ${result}\n`)
  process.exit(1)
}
const machine = {
  ...{ cpu: cpus()[0]?.model, cores: cpus().length, memory: totalmem(), kernel: release() },
  ...{ node: process.version, load: { before: loadBefore, after: loadavg() } },
}
if (values.json !== undefined)
  await writeFile(values.json, `${JSON.stringify({ machine, minutes, ...result }, undefined, 1)}\n`)
process.stdout.write(`${report(result)}\n`)
process.exitCode = result.verdict.passed ? 0 : 1

function report({
  group,
  profile,
  samples,
  limits,
  answers,
  uploads,
  turnedAway,
  end,
  rssAfterMiB,
  verdict,
}: LowMemoryResult): string {
  const at = (share: number) => samples[Math.min(samples.length - 1, Math.floor(share * samples.length))]
  const points = [0, 0.1, 0.25, 0.5, 0.75, 0.999].map(at).filter((sample) => sample !== undefined)
  const size = (name: string, value: number) =>
    name.endsWith('ytes') ? `${(value / 1024 / 1024).toFixed(1)} MiB` : value
  return [
    `Memory group v${group.version}, ${mib(group.limitBytes)} MiB, ${group.oneCore}. Profile ${profile.name}: ${profile.reason}.`,
    '',
    curve(
      'RSS of the node',
      samples.map(({ rssBytes }) => mib(rssBytes)),
      'MiB',
    ),
    '',
    curve(
      'requests in the line',
      samples.map(({ queues }) => queues['requests'] ?? 0),
      'requests',
    ),
    '',
    tableOf(
      ['time', 'RSS MiB', 'process memory MiB', 'group MiB', 'requests', 'request bytes MiB', 'inbound MiB'],
      points.map(({ seconds, rssBytes, anonBytes, groupBytes, queues }) => [
        ...[`${seconds.toFixed(0)} s`, mib(rssBytes), mib(anonBytes), mib(groupBytes)],
        ...[queues['requests'] as number, mib(queues['requestBytes'] as number), mib(queues['inboundBytes'] as number)],
      ]),
    ),
    '',
    tableOf(
      ['queue', 'peak', 'limit'],
      Object.entries(limits).map(([name, limit]) => [name, size(name, peakOf(samples, name)), size(name, limit)]),
    ),
    '',
    tableOf(['answer', 'count'], [...Object.entries(answers), ...Object.entries(uploads)]),
    `turned away, counted by the node: ${
      Object.entries(turnedAway)
        .map(([reason, n]) => `${reason} ${n}`)
        .join(', ') || 'none'
    }`,
    `RSS peak ${mib(Math.max(...samples.map(({ rssBytes }) => rssBytes)))} MiB, ${rssAfterMiB} MiB after a rest; group peak ${mib(end.peakBytes)} MiB with page cache, limit met ${end.limitHits} times, killed ${end.oomKills} times`,
    '',
    ...verdict.lines.map(({ ok, text }) => `${ok ? 'ok  ' : 'FAIL'} ${text}`),
  ].join('\n')
}
