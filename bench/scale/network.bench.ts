/**
 * Whole simulated networks with the real DHT on a virtual clock: does a lookup stay cheap when the network grows? Hops
 * and messages are counted and the same every time; wall time and memory are this machine's. Each network is a process
 * of its own: its memory is its own, and so is its heap limit.
 */
import { fork } from 'node:child_process'
import { type Row, rowOf } from '../measure.ts'
import { benchFile, type Context } from '../shelf.ts'
import type { ScaleFigures } from './world.ts'

const SIZES = { smoke: [50], quick: [100, 1000], full: [10, 100, 1000, 10_000] } as const
const LOOKUPS = { smoke: 20, quick: 200, full: 500 } as const

export default benchFile<Context>({
  steps: ({ level }) =>
    SIZES[level].map((nodes) => ({
      id: `network of ${nodes} nodes`,
      run: async (context: Context) => rowsOf(nodes, await simulate(nodes, LOOKUPS[level], context.signal)),
    })),
  setup: async (context) => context,
})

/** The child imports what the tests have; on another revision that may be elsewhere. */
function simulate(nodes: number, lookups: number, signal: AbortSignal): Promise<ScaleFigures> {
  return new Promise((resolve, reject) => {
    const child = fork(new URL('./world.ts', import.meta.url), [String(nodes), String(lookups)], {
      execArgv: ['--expose-gc', '--max-old-space-size=8192'],
      stdio: ['ignore', 'inherit', 'pipe', 'ipc'],
      signal,
    })
    let words = ''
    child.stderr?.on('data', (text) => (words = `${words}${text}`.slice(-4000)))
    child.once('message', (figures) => resolve(figures as ScaleFigures))
    child.once('error', reject)
    child.once('exit', (code) => {
      const error = words.split('\n').find((line) => /Error/.test(line)) ?? words.trim().split('\n')[0]
      reject(new Error(`the simulation of ${nodes} nodes ended with code ${code}: ${error}`))
    })
  })
}

function rowsOf(nodes: number, figures: ScaleFigures): Row[] {
  const row = (what: string, unit: string, value: readonly number[], population = false) =>
    rowOf(`${what}, ${nodes} nodes`, unit, [['simulated', value]], {
      ...{ better: 'lower', population },
      place: { chart: what, line: 'simulated', x: nodes, xTitle: 'nodes', xUnit: 'n' },
    })
  return [
    row('rounds of a lookup', 'rounds', figures.rounds, true),
    row('messages of a lookup', 'messages', figures.messages, true),
    row('processor time of a lookup', 'ms', figures.lookupMs),
    row('size of a routing table', 'entries', figures.tables, true),
    row('memory of a node (DHT only)', 'KiB', [figures.kibPerNode]),
  ]
}
