/** The command line of the benches, judged: one clear sentence for everything that is wrong with it. */
import { parseArgs } from 'node:util'
import { messageOf } from '../src/base/index.ts'
import type { Level } from './measure.ts'

/** Something to be told in one sentence, without a trace; exit code 2. */
export class UsageError extends Error {}

export interface BenchArguments {
  readonly help: boolean
  readonly list: boolean
  readonly level: Level
  readonly filter: readonly string[] | undefined
  readonly rounds: number | undefined
  readonly json: string | undefined
  readonly compare: string | undefined
  readonly program: string | undefined
  readonly failAbove: number | undefined
}

export const HELP = `npm run bench -- [options]

  --filter TEXT        only steps whose "shelf/file: name" has TEXT in it; several texts are divided by commas
  --quick              fewer rounds and sizes: all shelves in three minutes on two cores
  --smoke              does it run at all? Every shelf in twenty seconds; the figures mean nothing
  --rounds N           rounds of every row, in the place of the level's own
  --list               what the filter chooses, without running it
  --json FILE          also writes rows and machine facts
  --compare FILE|REV   a file: beside the figures of an earlier --json. A revision: both sides in turn, in one session
  --program FILE       what node processes run, the sources without it; npm run bench gives dist/cli/main.js, fresh.
                       With --compare REV the other side has a build of its own
  --fail-above X       with --compare REV: exit code 1 when a row is surely X times slower. Without it slower is a warning
  --help

A row tells the median of its rounds, and half the distance between their 10th and 90th percentile as ± % of it; x is the
ratio to the first line of the row. Exit code: 1 when a bench threw, 2 for a wrong command line, 130 after Ctrl-C.`

export function parseArguments(args: readonly string[]): BenchArguments {
  const values = parse(args)
  if (values.smoke && values.quick) throw new UsageError('--smoke and --quick are two levels: give one of them')
  const level: Level = values.smoke ? 'smoke' : values.quick ? 'quick' : 'full'
  const filter = values.filter?.split(',').map((part) => part.trim())
  if (filter?.some((part) => part === '')) throw new UsageError('--filter needs a text, such as --filter blake3')
  const compare = values.compare
  if (compare === '') throw new UsageError('--compare needs a JSON file or a git revision')
  const failAbove = number(values['fail-above'], '--fail-above', 1, 1000)
  if (failAbove !== undefined && compare === undefined) throw new UsageError('--fail-above needs --compare REV')
  const rounds = number(values.rounds, '--rounds', 1, 1000)
  if (rounds !== undefined && !Number.isInteger(rounds)) throw new UsageError('--rounds needs a whole number')
  const { help = false, list = false, json, program } = values
  if (json === '') throw new UsageError('--json needs a file name')
  return { help, list, level, filter, rounds, json, compare, program, failAbove }
}

function parse(args: readonly string[]) {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        filter: { type: 'string' },
        smoke: { type: 'boolean' },
        quick: { type: 'boolean' },
        rounds: { type: 'string' },
        list: { type: 'boolean' },
        json: { type: 'string' },
        compare: { type: 'string' },
        program: { type: 'string' },
        'fail-above': { type: 'string' },
        help: { type: 'boolean' },
      },
    })
    return values
  } catch (error) {
    // Node adds advice about positional arguments after the first sentence.
    throw new UsageError(`${messageOf(error).split(/\. |\n/)[0]}. See npm run bench -- --help`)
  }
}

function number(text: string | undefined, flag: string, least: number, most: number): number | undefined {
  if (text === undefined) return undefined
  const value = Number(text)
  if (text.trim() === '' || !(value >= least && value <= most))
    throw new UsageError(`${flag} needs a number from ${least} to ${most}, got "${text}"`)
  return value
}
