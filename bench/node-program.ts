/**
 * What node processes of the benches run: a build of the command line, as users do, or the sources, where Node strips
 * types (27 MiB more for each process, and a slower start).
 */
import { existsSync } from 'node:fs'
import { join, relative } from 'node:path'
import { UsageError } from './arguments.ts'
import { userPath } from './result-file.ts'

const ROOT = join(import.meta.dirname, '..')
const SOURCES = join(ROOT, 'src/cli/main.ts')

/** Of --program; undefined means the sources. Throws a UsageError when it is not there. */
export function builtProgram(option: string | undefined): string | undefined {
  if (option === undefined) return undefined
  const path = userPath(option)
  if (!existsSync(path)) throw new UsageError(`there is no ${path}`)
  return path === SOURCES ? undefined : path
}

/** Program and first arguments of a node process. */
export function nodeCommand(program: string | undefined): [string, string] {
  return [process.execPath, program ?? SOURCES]
}

/** For reports: where our tree lies says nothing to others. */
export function programName(program: string | undefined): string {
  return program === undefined ? 'sources' : relative(ROOT, program).replaceAll('\\', '/')
}
