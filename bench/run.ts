/**
 * npm run bench -- [--filter TEXT] [--smoke|--quick] [--json FILE]
 * Shelves: kernel (by backend and size), channel (QUIC), walk (put and get on a local network).
 */
import { readdirSync, writeFileSync } from 'node:fs'
import { loadavg } from 'node:os'
import { basename, join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { machineFacts } from './machine.ts'
import { EFFORT, type Effort, printRow, type Row } from './measure.ts'

export type Shelf = (context: { effort: Effort; level: 'smoke' | 'quick' | 'full' }) => AsyncIterable<Row>

const { values } = parseArgs({
  options: {
    filter: { type: 'string' },
    smoke: { type: 'boolean' },
    quick: { type: 'boolean' },
    json: { type: 'string' },
  },
})
const level = values.smoke ? 'smoke' : values.quick ? 'quick' : 'full'
const machine = machineFacts()
console.log(
  `${machine['cpu']}, ${machine['cores']} cores, ${machine['node']}, backend ${machine['backend']}, load ${(machine['load'] as number[])[0]}`,
)

const rows: Row[] = []
for (const shelf of ['kernel', 'channel', 'walk']) {
  for (const file of readdirSync(join(import.meta.dirname, shelf)).sort()) {
    if (!file.endsWith('.bench.ts')) continue
    const name = `${shelf}/${basename(file, '.bench.ts')}`
    if (values.filter && !name.includes(values.filter)) continue
    const { default: bench } = (await import(join(import.meta.dirname, shelf, file))) as { default: Shelf }
    for await (const row of bench({ effort: EFFORT[level], level })) {
      printRow(row)
      rows.push(row)
    }
  }
}
if (values.json) {
  const report = { machine: { ...machine, load_after: loadavg() }, level, taken_at: new Date().toISOString(), rows }
  writeFileSync(resolve(process.env['INIT_CWD'] ?? '.', values.json), `${JSON.stringify(report, undefined, 2)}\n`)
}
process.exit(0)
