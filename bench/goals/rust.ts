/** The Rust side (native/bench): built when cargo is there, in the target folder of the addon's crates. */
import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Scope } from './scope.ts'

const native = join(import.meta.dirname, '../../native')
const TARGET = join(native, 'target')
const PROGRAM = join(TARGET, 'release', process.platform === 'win32' ? 'myrmex-bench.exe' : 'myrmex-bench')

export type RustProgram =
  | { readonly kind: 'built'; readonly path: string }
  | { readonly kind: 'missing'; readonly reason: string }

export async function buildRust(scope: Scope, signal: AbortSignal): Promise<RustProgram> {
  if (spawnSync('cargo', ['--version'], { stdio: 'ignore' }).status !== 0)
    return { kind: 'missing', reason: 'cargo is not there' }
  console.error('the Rust side: building with cargo (a few minutes the first time)')
  const args = ['build', '--release', '--locked', '--quiet', '--target-dir', TARGET]
  const child = scope.spawn('cargo', args, { cwd: join(native, 'bench'), stdio: ['ignore', 'ignore', 'inherit'] })
  const stop = () => child.kill('SIGTERM')
  signal.addEventListener('abort', stop, { once: true })
  const [code] = (await once(child, 'exit')) as [number | null]
  signal.removeEventListener('abort', stop)
  signal.throwIfAborted()
  if (code !== 0 || !existsSync(PROGRAM)) return { kind: 'missing', reason: 'the Rust side does not build' }
  return { kind: 'built', path: PROGRAM }
}
