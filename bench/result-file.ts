/** The JSON of a run: written here, and read back with every doubt, since people hand such files around. */
import { closeSync, openSync, readFileSync, writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { codeOf, messageOf } from '../src/base/index.ts'
import { UsageError } from './arguments.ts'
import type { MachineFacts } from './machine.ts'
import type { Level, Result, Row } from './measure.ts'

export interface FiledRow extends Row {
  /** `shelf/name` of the bench. */
  readonly file: string
}

export interface BenchReport {
  readonly kind: 'myrmex-bench'
  readonly machine: MachineFacts & { readonly load_after: readonly number[]; readonly node_program?: string }
  readonly level: Level
  /** ISO 8601. */
  readonly taken_at: string
  readonly seconds: number
  readonly rows: readonly FiledRow[]
  readonly failed: readonly { readonly file: string; readonly step?: string; readonly reason: string }[]
}

/** Where npm was called, not where it runs us. */
export function userPath(path: string): string {
  return resolve(process.env['INIT_CWD'] ?? '.', path)
}

export function readJson(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, 'utf8'))
  } catch (error) {
    const reason =
      error instanceof SyntaxError ? 'it is not JSON' : codeOf(error) === 'ENOENT' ? 'there is none' : messageOf(error)
    throw new UsageError(`cannot read the file ${path}: ${reason}`)
  }
}

/** Told before a long run, not after it; what the file holds stays until then. */
export function checkWritable(path: string): void {
  try {
    closeSync(openSync(path, 'a'))
  } catch (error) {
    throw new UsageError(`cannot write the file ${path}: ${messageOf(error)}`)
  }
}

export function writeJson(path: string, value: unknown): void {
  writeText(path, `${JSON.stringify(value, undefined, 1)}\n`)
}

export function writeText(path: string, text: string): void {
  try {
    writeFileSync(path, text)
  } catch (error) {
    throw new UsageError(`cannot write the file ${path}: ${messageOf(error)}`)
  }
}

/** Rows of a file of --json, also of one that an older version wrote; throws a UsageError for anything else. */
export function parseReport(value: unknown, path: string): BenchReport {
  if (!isRecord(value) || !Array.isArray(value['rows']) || !isRecord(value['machine']))
    throw new UsageError(`${path} is no result of npm run bench -- --json`)
  const rows = value['rows'].map((row) => parseRow(row)).filter((row) => row !== undefined)
  if (rows.length < value['rows'].length) throw new UsageError(`${path} has rows without id, unit and results`)
  const { level = 'full', taken_at = '', seconds = 0, failed = [] } = value as Partial<BenchReport>
  const machine = value['machine'] as unknown as BenchReport['machine']
  return { kind: 'myrmex-bench', machine, level, taken_at, seconds, rows, failed }
}

function parseRow(value: unknown): FiledRow | undefined {
  if (!isRecord(value)) return undefined
  const { id, unit, results, file = '', better, place } = value
  if (typeof id !== 'string' || typeof unit !== 'string' || !Array.isArray(results)) return undefined
  const parsed = results.map(parseResult)
  if (!parsed.every((result) => result !== undefined)) return undefined
  const direction = better === 'lower' ? 'lower' : 'higher'
  const rest = isRecord(place) ? { place: place as unknown as NonNullable<Row['place']> } : {}
  return { id, unit, file: String(file), better: direction, results: parsed, ...rest }
}

function parseResult(value: unknown): Result | undefined {
  if (!isRecord(value)) return undefined
  const { name, median, min, max, ratio, spread, samples } = value
  if (typeof name !== 'string' || typeof median !== 'number') return undefined
  const number = (given: unknown, otherwise: number) => (typeof given === 'number' ? given : otherwise)
  const low = number(min, median)
  const high = number(max, median)
  return {
    ...(value as unknown as Result),
    ...{ name, median, min: low, max: high, ratio: number(ratio, Number.NaN) },
    spread: number(spread, median === 0 ? 0 : (high - low) / median),
    samples: Array.isArray(samples) ? samples.filter((sample) => typeof sample === 'number') : [median],
  }
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
