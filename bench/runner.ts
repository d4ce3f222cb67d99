/** Runs the chosen steps, one after the other. A step that throws is told, and the rest runs. */
import { readdirSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { basename, join } from 'node:path'
import { messageOf } from '../src/base/index.ts'
import { EFFORT, type Level, type Row } from './measure.ts'
import { type BenchFile, type Context, SHELVES, type Step } from './shelf.ts'

export type BenchEvent =
  | { readonly kind: 'row'; readonly file: string; readonly row: Row }
  | { readonly kind: 'skipped'; readonly file: string; readonly reason: string }
  /** The file cannot be loaded: on an older revision what it measures is not there. */
  | { readonly kind: 'absent'; readonly file: string; readonly reason: string }
  | { readonly kind: 'failed'; readonly file: string; readonly step?: string; readonly reason: string }

export interface RunRequest {
  readonly level: Level
  /** Parts of `shelf/file: step`, any case, any of them. */
  readonly filter?: readonly string[]
  /** Rounds of every row, in the place of the level's own. */
  readonly rounds?: number
  /** A build that node processes run; the sources without it. */
  readonly program?: string
  readonly signal: AbortSignal
}

export function matches(name: string, filter: readonly string[] | undefined): boolean {
  return !filter || filter.some((part) => name.toLowerCase().includes(part.toLowerCase()))
}

export function contextOf({ level, rounds, program, signal }: RunRequest): Context {
  const effort = rounds === undefined ? EFFORT[level] : { ...EFFORT[level], rounds }
  return { level, effort, cores: availableParallelism(), program, signal }
}

/** Loads each file just before it runs, so that what one holds does not weigh on another. */
export async function* runBenches(request: RunRequest): AsyncGenerator<BenchEvent> {
  const context = contextOf(request)
  for (const { file, path } of benchFiles()) {
    if (request.signal.aborted) return
    let bench: BenchFile<unknown>
    try {
      bench = ((await import(path)) as { default: BenchFile<unknown> }).default
    } catch (error) {
      yield { kind: 'absent', file, reason: firstLine(error) }
      continue
    }
    yield* runFile(file, bench, context, request.filter)
  }
}

export interface Listed {
  readonly file: string
  readonly id: string
}

/** What a filter chooses, without running anything. */
export async function listSteps(request: RunRequest): Promise<Listed[]> {
  const context = contextOf(request)
  const found: Listed[] = []
  for (const { file, path } of benchFiles()) {
    const bench = await import(path).then(
      ({ default: loaded }) => loaded as BenchFile<unknown>,
      () => undefined,
    )
    if (!bench) {
      if (matches(file, request.filter)) found.push({ file, id: '(cannot be loaded)' })
      continue
    }
    for (const { id } of chosen(file, bench, context, request.filter)) found.push({ file, id })
  }
  return found
}

function benchFiles(): { file: string; path: string }[] {
  return SHELVES.flatMap((shelf) => {
    const names = readdirSync(join(import.meta.dirname, shelf)).filter((name) => name.endsWith('.bench.ts'))
    return names.sort().map((name) => ({
      file: `${shelf}/${basename(name, '.bench.ts')}`,
      path: join(import.meta.dirname, shelf, name),
    }))
  })
}

function chosen(
  file: string,
  bench: BenchFile<unknown>,
  context: Context,
  filter: readonly string[] | undefined,
): readonly Step<unknown>[] {
  return bench.steps(context).filter(({ id }) => matches(`${file}: ${id}`, filter))
}

async function* runFile(
  file: string,
  bench: BenchFile<unknown>,
  context: Context,
  filter: readonly string[] | undefined,
): AsyncGenerator<BenchEvent> {
  const steps = chosen(file, bench, context, filter)
  if (steps.length === 0) return
  const reason = bench.skip?.(context)
  if (reason !== undefined) return yield { kind: 'skipped', file, reason }
  let state: unknown
  try {
    state = await bench.setup?.(context)
  } catch (error) {
    return yield { kind: 'failed', file, reason: `could not be set up: ${firstLine(error)}` }
  }
  try {
    for (const step of steps) {
      if (context.signal.aborted) return
      try {
        const rows = await step.run(state)
        for (const row of Array.isArray(rows) ? rows : [rows]) yield { kind: 'row', file, row }
      } catch (error) {
        if (context.signal.aborted) return
        yield { kind: 'failed', file, step: step.id, reason: firstLine(error) }
      }
    }
  } finally {
    await bench.teardown?.(state)
  }
}

function firstLine(error: unknown): string {
  return messageOf(error).split('\n')[0] as string
}
