/** Nodes of ours as processes, as an operator runs them: told by flags, watched through /metrics and the log. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync } from 'node:fs'
import { mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { never, systemClock } from '../../src/base/index.ts'
import { readStatusFile } from '../../src/node/index.ts'
import type { PeerId } from '../../src/protocol/index.ts'

const PROGRAM = join(import.meta.dirname, '..', '..', 'src', 'cli', 'main.ts')
const START_LIMIT_MS = 60_000
const POLL_MS = 100

export interface OurNode {
  readonly peerId: PeerId
  readonly rootDir: string
  readonly metricsPort: number
  readonly process: ChildProcess
}

export interface OurNodeSpec {
  readonly rootDir: string
  readonly port: number
  readonly metricsPort: number
  readonly bootstrap: readonly string[]
  readonly logLevel: string
}

/** Resolves when the node listens. It ends with us, however we end. */
export async function startOurNode(spec: OurNodeSpec): Promise<OurNode> {
  const { rootDir, metricsPort } = spec
  await mkdir(rootDir, { recursive: true })
  const args = [PROGRAM, 'node', 'run', '--root-dir', rootDir, '--port', String(spec.port)]
  args.push('--metrics-port', String(metricsPort), '--network-mode', 'development', '--payment', 'free')
  args.push('--log-level', spec.logLevel, '--until-stdin-closes')
  for (const address of spec.bootstrap) args.push('--bootstrap', address)
  const log = openSync(logPathOf(rootDir), 'a')
  const child = spawn(process.execPath, args, { stdio: ['pipe', log, log] })
  child.stdin?.on('error', () => undefined)
  closeSync(log)
  for (let waited = 0; waited < START_LIMIT_MS; waited += POLL_MS) {
    const status = await readStatusFile(rootDir)
    if (status && status.pid === child.pid)
      return { peerId: status.peer_id as PeerId, rootDir, metricsPort, process: child }
    if (child.exitCode !== null) break
    await systemClock.sleep(POLL_MS, never)
  }
  child.kill('SIGKILL')
  throw new Error(`our node did not start: ${(await readFile(logPathOf(rootDir), 'utf8')).slice(-2000)}`)
}

/** Prometheus text. */
export async function metricsOf({ metricsPort }: OurNode): Promise<string> {
  return (await fetch(`http://127.0.0.1:${metricsPort}/metrics`)).text()
}

export async function stopOurNode({ process: child }: OurNode): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const exit = once(child, 'exit')
  child.kill('SIGTERM')
  await exit
}

function logPathOf(rootDir: string): string {
  return join(rootDir, 'node.log')
}
