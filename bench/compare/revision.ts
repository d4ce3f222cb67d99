/**
 * Both sides in one session, in turn: a process runs one round of every chosen row, then the other side's does. Which
 * side begins alternates, so that a machine that gets slower does not judge. A process a round also brings in what
 * differs from start to start (memory layout, when the JIT compiles), which rounds within one process never show.
 */
import { fork } from 'node:child_process'
import { join } from 'node:path'
import { type BenchArguments, UsageError } from '../arguments.ts'
import { load, machineFacts } from '../machine.ts'
import type { Level } from '../measure.ts'
import { programName } from '../node-program.ts'
import { userPath, writeJson } from '../result-file.ts'
import type { BenchEvent } from '../runner.ts'
import { pairedRatio } from '../stats.ts'
import { commitOf, previousCommit, ROOT } from './git.ts'
import { beyond, comparison, type Side, type Taken } from './pairs.ts'
import { printComparison } from './print.ts'
import { checkOut, type OtherTree } from './worktree.ts'

export interface ChildRequest {
  readonly level: Level
  readonly filter?: readonly string[]
  readonly program?: string
}

/** Pairs of rounds: below three an interval says nothing, and beyond ten it hardly narrows. */
const ROUNDS: Readonly<Record<Level, number>> = { smoke: 2, quick: 6, full: 10 }

export async function compareWithRevision(
  revision: string,
  options: BenchArguments,
  program: string | undefined,
  signal: AbortSignal,
): Promise<number> {
  const commit = revision === 'previous' ? previousCommit() : commitOf(revision)
  if (commit === undefined) {
    console.log('There is no earlier commit here (a clone without history?): nothing to compare with.')
    return 0
  }
  const machine = machineFacts()
  const { level, filter } = options
  const rounds = options.rounds ?? ROUNDS[level]
  console.log(`before: ${commit.slice(0, 9)}; now: ${machine.revision}${machine.dirty ? ' with changes' : ''}`)
  console.log(`${machine.cpu}, ${machine.cores} cores, Node ${machine.node}, load ${machine.load[0]}`)
  const other = await prepared(commit, program !== undefined, signal)
  // A side without a build must not be compared with one that has it.
  const built: Partial<Record<Side, string>> =
    program !== undefined && other.program !== undefined ? { before: other.program, now: program } : {}
  const requestOf = (side: Side): ChildRequest => {
    const own = built[side]
    return { level, ...(filter && { filter }), ...(own && { program: own }) }
  }
  const failures = new Map<string, string>()
  const taken: Taken[] = []
  try {
    for (const note of other.notes) console.log(`note: of ${commit.slice(0, 9)}, ${note}`)
    for (let round = 0; round < rounds && !signal.aborted; round++) {
      const order: readonly Side[] = round % 2 === 0 ? ['before', 'now'] : ['now', 'before']
      for (const side of order) {
        process.stderr.write(`round ${round + 1} of ${rounds}: ${side}\n`)
        for (const event of await oneRound(side, other, requestOf(side), signal)) {
          if (event.kind === 'row') taken.push({ side, round, row: { ...event.row, file: event.file } })
          else if (event.kind !== 'skipped') failures.set(`${side} ${nameOf(event)}`, event.reason)
        }
      }
    }
  } finally {
    other.remove()
  }
  if (signal.aborted) return 130
  const result = comparison(taken, pairedRatio, { paired: true })
  const bad = printComparison(result, failures, options.failAbove)
  if (options.json !== undefined) {
    const about = { kind: 'myrmex-bench-compare', before: commit, level, taken_at: new Date().toISOString() }
    writeJson(userPath(options.json), {
      ...about,
      machine: { ...machine, load_after: load(), node_program: programName(built.now) },
      ...result,
    })
  }
  const failedNow = [...failures.keys()].some((name) => name.startsWith('now '))
  if (failedNow || result.rows.length === 0) return 1
  return bad && options.failAbove !== undefined && beyond(result.rows, options.failAbove).length > 0 ? 1 : 0
}

async function prepared(commit: string, compiled: boolean, signal: AbortSignal): Promise<OtherTree> {
  console.error(`preparing ${commit.slice(0, 9)} ...`)
  try {
    return await checkOut(commit, compiled, signal)
  } catch (error) {
    signal.throwIfAborted()
    throw new UsageError(`${commit.slice(0, 9)} cannot be prepared: ${(error as Error).message}`)
  }
}

function nameOf(event: BenchEvent): string {
  return event.kind === 'failed' && event.step !== undefined ? `${event.file}: ${event.step}` : event.file
}

/** Events of one child; its end without a last word is one more of them. */
function oneRound(side: Side, other: OtherTree, request: ChildRequest, signal: AbortSignal): Promise<BenchEvent[]> {
  const tree = side === 'now' ? ROOT : other.path
  // A side without its native core must not be compared with one that has it.
  const env = other.native ? process.env : { ...process.env, MYRMEX_BACKEND: 'wasm' }
  const child = fork(join(tree, 'bench', 'compare', 'child.ts'), [], {
    ...{ cwd: tree, env, execPath: side === 'now' ? process.execPath : other.runtime },
    execArgv: ['--expose-gc'],
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  })
  const end = () => child.kill('SIGTERM')
  signal.addEventListener('abort', end, { once: true })
  return new Promise((resolve) => {
    const events: BenchEvent[] = []
    let done = false
    let words = ''
    child.stderr?.on('data', (text: Buffer) => (words = `${words}${text}`.slice(-8000)))
    child.on('message', (message: BenchEvent | { readonly kind: 'ready' } | { readonly kind: 'done' }) => {
      if (message.kind === 'ready') child.send(request)
      else if (message.kind === 'done') done = true
      else events.push(message)
    })
    child.on('error', (error) => (words += error.message))
    child.on('close', (code) => {
      signal.removeEventListener('abort', end)
      const error = words.split('\n').find((line) => /Error/.test(line)) ?? words.trim().split('\n').at(-1)
      if (!done) events.push({ kind: 'failed', file: 'all benches', reason: `ended with code ${code}: ${error}` })
      resolve(events)
    })
  })
}
