/**
 * Heap limits and malloc settings of the profile can only be given to a process when it starts: this one replaces
 * itself (execve: same process id, same standard streams) before anything else is loaded. Costs about 40 ms, once.
 */
import {
  chooseProfile,
  missingStart,
  PROCESS_SPECS,
  parseSettings,
  readMachineFacts,
  resolveProcessSettings,
  STARTED_VARIABLE,
  type StartSettings,
} from '../machine/index.ts'

/** Groups of commands that live long or hold much; the others are over before a heap grows. */
const GROUPS = ['node', 'file', 'chunk', 'devnet', 'start']

/** Returns when the process has what it needs, or cannot get it. */
export function restartAsNeeded(argv: readonly string[], env: NodeJS.ProcessEnv = process.env): void {
  const again = env[STARTED_VARIABLE] !== undefined
  delete env[STARTED_VARIABLE]
  if (again || !GROUPS.includes(argv.find((arg) => !arg.startsWith('-')) ?? '')) return
  // Not on Windows, and not before Node 23.11.
  if (typeof process.execve !== 'function' || process.argv[1] === undefined) return
  const missing = wanted(argv, env)
  if (missing === undefined || (missing.flags.length === 0 && Object.keys(missing.env).length === 0)) return
  const { execArgv, execPath } = process
  const args = [execPath, ...execArgv, ...missing.flags, process.argv[1], ...argv]
  process.execve(execPath, args, { ...env, ...missing.env, [STARTED_VARIABLE]: '1' } as Record<string, string>)
}

/** undefined for what the command itself will refuse, in its own words. */
function wanted(argv: readonly string[], env: NodeJS.ProcessEnv): StartSettings | undefined {
  const profile = valuesOf(argv, '--profile').at(-1) ?? (env['MYRMEX_PROFILE'] || undefined)
  const given = valuesOf(argv, '--set')
  const texts = (given.length > 0 ? given : [env['MYRMEX_SET'] ?? '']).flatMap((text) => text.split(','))
  const own = texts
    .map((text) => text.trim())
    .filter((text) => Object.keys(PROCESS_SPECS).some((key) => text.startsWith(key)))
  try {
    const choice = chooseProfile(readMachineFacts(), profile)
    const settings = resolveProcessSettings(choice, parseSettings(own, PROCESS_SPECS))
    return missingStart(settings, { flags: process.execArgv, env })
  } catch {
    return undefined
  }
}

/** `--name VALUE` and `--name=VALUE`, up to `--`. */
function valuesOf(argv: readonly string[], name: string): string[] {
  const end = argv.indexOf('--')
  const flags = end < 0 ? argv : argv.slice(0, end)
  return flags.flatMap((arg, i) => {
    if (arg.startsWith(`${name}=`)) return [arg.slice(name.length + 1)]
    return arg === name && flags[i + 1] !== undefined ? [flags[i + 1] as string] : []
  })
}
