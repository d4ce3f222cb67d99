/**
 * Is a thread worth it, and how many? Kernels through the worker pool by number of workers, against the same work on
 * this thread; and what one trip to a worker costs when there is nothing to do.
 */
import { never, systemClock } from '../../src/base/index.ts'
import { type Compute, createPiscinaCompute, defineTask } from '../../src/compute/index.ts'
import { backend } from '../../src/crypto/index.ts'
import { noise } from '../inputs.ts'
import { type Row, rounds } from '../measure.ts'
import { benchFile, type Context } from '../shelf.ts'
import { type PoolWork, run as runHere } from './pool.task.ts'

const CHUNK = 4 * 1024 * 1024
const poolTask = defineTask<PoolWork, { data: Uint8Array }>(new URL('./pool.task.ts', import.meta.url), 'bench')

interface State {
  readonly context: Context
  /** By number of workers. */
  readonly pools: ReadonlyMap<number, Compute>
}

export default benchFile<State>({
  steps: ({ level }) => [
    { id: 'pool: one trip', run: trip },
    {
      id: 'pool: hash 4 MiB by workers',
      run: (state) => scaling(state, 'hash', hashWork, level === 'full' ? 200 : 60),
    },
    { id: 'pool: seal 4 MiB by workers', run: (state) => scaling(state, 'seal', sealWork, level === 'full' ? 16 : 6) },
    { id: 'pool: verify by workers', run: (state) => scaling(state, 'verify', verifyWork, level === 'full' ? 60 : 20) },
  ],
  setup: async (context) => {
    const counts = [...new Set([1, 2, 4, 8, 16, 32].filter((count) => count < context.cores)), context.cores]
    const pool = (threads: number) => createPiscinaCompute({ clock: systemClock }, { threads, idleTimeoutMs: 60_000 })
    return { context, pools: new Map(counts.map((threads) => [threads, pool(threads)])) }
  },
  teardown: async ({ pools }) => {
    for (const pool of pools.values()) await pool.stop()
  },
})

type MakeWork = (i: number) => { readonly work: PoolWork; readonly bytes: number }

const hashWork: MakeWork = () => ({ work: { kind: 'hash', data: noise(CHUNK) }, bytes: CHUNK })

const sealWork: MakeWork = () => {
  const hash = (byte: number) => new Uint8Array(32).fill(byte)
  const keys = { source: hash(1), neighbour1: hash(2), neighbour2: hash(3), index: 0, level: 0 }
  return { work: { kind: 'seal', data: noise(CHUNK), keys }, bytes: CHUNK }
}

const VERIFIED_TOGETHER = 50
const verifyWork: MakeWork = () => {
  const { publicKey, secretKey } = backend().mlDsaKeyPair(new Uint8Array(32).fill(5))
  const data = noise(104)
  const signature = backend().mlDsaSign(secretKey, data)
  return { work: { kind: 'verify', data, publicKey, signature, times: VERIFIED_TOGETHER }, bytes: 0 }
}

/** Results are `here` and one a number of workers; the latter are the points of the chart. */
async function scaling({ context, pools }: State, name: string, make: MakeWork, count: number): Promise<Row> {
  const tasks = context.level === 'smoke' ? 4 : count
  const { bytes } = make(0)
  const amount = bytes > 0 ? (tasks * bytes) / 1e6 : tasks * VERIFIED_TOGETHER
  const contenders = [
    ...[...pools].map(([workers, pool]) => ({
      name: `${workers} worker${workers === 1 ? '' : 's'}`,
      x: workers,
      measure: async () => amount / (await through(pool, workers * 2, tasks, make)),
    })),
    { name: 'this thread', measure: async () => amount / here(tasks, make) },
  ]
  const size = bytes > 0 ? ' 4 MiB' : ''
  return rounds(`pool: ${name}${size} by workers`, bytes > 0 ? 'MB/s' : '/s', contenders, context.effort.rounds, {
    place: { chart: 'Speed-up by workers', line: name, xTitle: 'workers', xUnit: 'n', y: 'ratio' },
  })
}

/** Seconds for `tasks` tasks, `inFlight` at a time; every lane sends the buffer that it got back. */
async function through(pool: Compute, inFlight: number, tasks: number, make: MakeWork): Promise<number> {
  const works = Array.from({ length: inFlight }, (_, i) => make(i).work)
  let begun = 0
  const lane = async (first: PoolWork) => {
    for (let work = first; begun++ < tasks; ) {
      const transfer = [work.data.buffer as ArrayBuffer]
      const { data } = await pool.run(poolTask, work, { signal: never, lane: 'bulk', transfer })
      work = { ...work, data }
    }
  }
  // Threads start with their first task, and import the kernels: not what is asked here.
  const warm = works.map(() => pool.run(poolTask, { kind: 'nothing', data: new Uint8Array(1) }, BULK))
  await Promise.all(warm)
  const began = performance.now()
  await Promise.all(works.map(lane))
  return (performance.now() - began) / 1000
}

const BULK = { signal: never, lane: 'bulk' } as const

function here(tasks: number, make: MakeWork): number {
  const { work } = make(0)
  const began = performance.now()
  for (let i = 0; i < tasks; i++) runHere(work)
  return (performance.now() - began) / 1000
}

/** Microseconds of a task that does nothing, there and back, one at a time. */
async function trip({ context, pools }: State): Promise<Row> {
  const pool = pools.get(1) as Compute
  const count = context.level === 'smoke' ? 20 : 1000
  const of = (bytes: number) => async () => {
    let data = noise(bytes)
    const began = performance.now()
    for (let i = 0; i < count; i++) {
      const transfer = [data.buffer as ArrayBuffer]
      data = (await pool.run(poolTask, { kind: 'nothing', data }, { ...BULK, transfer })).data as typeof data
    }
    return ((performance.now() - began) / count) * 1000
  }
  const contenders = [
    { name: '104 B', measure: of(104) },
    { name: '4 MiB, moved', measure: of(CHUNK) },
  ]
  return rounds('pool: one trip', 'us', contenders, context.effort.rounds)
}
