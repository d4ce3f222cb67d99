/** Node processes of a local network: started, recognised, stopped. Only a process that is surely ours is signalled. */
import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, openSync, readFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { type Clock, never, systemClock } from '../base/index.ts'
import { type ProfileRequest, RELEASE_WORD, readStatusFile } from '../node/index.ts'
import { DevnetError } from './errors.ts'

const POLL_MS = 50
const START_LIMIT_MS = 30_000
const STOP_LIMIT_MS = 10_000

export interface NodeProcessSpec {
  readonly index: number
  /** Program and arguments that run this command line. */
  readonly program: readonly string[]
  readonly rootDir: string
  readonly logPath: string
  readonly port: number
  readonly bootstrap: readonly string[]
  readonly logLevel: string
  readonly profile?: ProfileRequest
  /** It takes faults from a file (node/faults.ts). */
  readonly developerFaults?: boolean
}

export interface StartedProcess {
  readonly child: ChildProcess
  readonly pid: number
  readonly peerId: string
  readonly address: string
  readonly socket: string
}

/** Starts one node and waits until it listens. It stops when we are gone, however we end, unless it is released. */
export async function startNodeProcess(
  spec: NodeProcessSpec,
  signal: AbortSignal,
  clock: Clock = systemClock,
): Promise<StartedProcess> {
  const [program, ...prefix] = spec.program as [string, ...string[]]
  const log = openSync(spec.logPath, 'a')
  const args = [
    ...prefix,
    'node',
    'run',
    '--root-dir',
    spec.rootDir,
    '--port',
    String(spec.port),
    '--network-mode',
    'development',
    '--payment',
    'free',
    '--log-level',
    spec.logLevel,
  ]
  if (spec.profile?.profile !== undefined) args.push('--profile', spec.profile.profile)
  for (const text of spec.profile?.set ?? []) args.push('--set', text)
  for (const address of spec.bootstrap) args.push('--bootstrap', address)
  if (spec.developerFaults) args.push('--developer-faults')
  args.push('--until-stdin-closes')
  const child = spawn(program, args, { stdio: ['pipe', log, log], detached: true })
  // A node that ends while it is released closes the pipe first: its exit tells more.
  child.stdin?.on('error', () => undefined)
  closeSync(log)
  child.unref()
  let exit: string | undefined
  child.on('error', (error) => (exit = error.message))
  child.on('exit', (code, signalName) => (exit ??= `it ended with ${signalName ?? `code ${code}`}`))
  for (let waited = 0; waited < START_LIMIT_MS; waited += POLL_MS) {
    if (exit !== undefined) break
    const status = await readStatusFile(spec.rootDir)
    if (status && status.pid === child.pid)
      return { child, pid: status.pid, peerId: status.peer_id, address: status.address, socket: status.socket }
    if (!signal.aborted) await clock.sleep(POLL_MS, signal).catch(() => undefined)
    if (!signal.aborted) continue
    // Gone before its folder goes: one that still starts would make it anew.
    child.kill('SIGTERM')
    for (let left = STOP_LIMIT_MS; exit === undefined && left > 0; left -= POLL_MS) await clock.sleep(POLL_MS, never)
    child.kill('SIGKILL')
    throw signal.reason
  }
  child.kill('SIGKILL')
  const why = exit ?? `no answer within ${START_LIMIT_MS / 1000} s`
  throw new DevnetError('DEVNET_NODE_FAILED', `node ${spec.index} did not start: ${await lastWords(spec.logPath, why)}`)
}

/** The last error in the log of a node, else the last line, after what is known already. */
export async function lastWords(logPath: string, why: string): Promise<string> {
  const lines = (await readFile(logPath, 'utf8').catch(() => '')).trim().split('\n')
  const last = lines.findLast((line) => line.startsWith('Error: '))?.slice('Error: '.length) ?? lines.at(-1)
  return last ? `${why}: ${last}` : why
}

/** From now on the node outlives us. */
export function releaseNode({ child }: StartedProcess): Promise<void> {
  return new Promise((resolve) => {
    const { stdin } = child
    if (!stdin || stdin.destroyed) return resolve()
    stdin.once('close', resolve)
    stdin.end(RELEASE_WORD)
  })
}

/** Alive, and really the node of this folder: a number may have been given to another program since. */
export function isOurProcess(pid: number, rootDir: string): boolean {
  try {
    process.kill(pid, 0)
  } catch {
    return false
  }
  if (process.platform !== 'linux') return true
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').includes(rootDir)
  } catch {
    return false
  }
}

/** Tells a process from a later one with the same number; empty when it is gone (or where the system does not tell). */
export function processStamp(pid: number): string {
  try {
    process.kill(pid, 0)
    if (process.platform !== 'linux') return String(pid)
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    // After the parenthesised name: field 3, the state (Z: ended, not yet collected by its parent), and field 22, the
    // start time in ticks since boot (proc_pid_stat(5)).
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return fields[0] === 'Z' ? '' : (fields[19] ?? '')
  } catch {
    return ''
  }
}

/** SIGTERM, then SIGKILL for those that did not go within 10 s. */
export async function stopProcesses(
  processes: readonly { pid: number; rootDir: string }[],
  clock: Clock = systemClock,
): Promise<void> {
  const alive = () => processes.filter(({ pid, rootDir }) => isOurProcess(pid, rootDir))
  const kill = (pid: number, name: NodeJS.Signals) => {
    try {
      process.kill(pid, name)
    } catch {
      // gone in between
    }
  }
  for (const { pid } of alive()) kill(pid, 'SIGTERM')
  for (let waited = 0; waited < STOP_LIMIT_MS && alive().length > 0; waited += POLL_MS)
    await clock.sleep(POLL_MS, never)
  for (const { pid } of alive()) kill(pid, 'SIGKILL')
  for (let waited = 0; waited < STOP_LIMIT_MS && alive().length > 0; waited += POLL_MS)
    await clock.sleep(POLL_MS, never)
}
