/**
 * Another revision, ready to run this tree's benches: checked out into a folder of its own, with its own sources and
 * this tree's `bench/`, and with packages and native core that belong to it.
 */
import { spawn } from 'node:child_process'
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { git, ROOT } from './git.ts'

export interface OtherTree {
  readonly path: string
  /** The Node that its lock file pins. */
  readonly runtime: string
  /** It has a native core when this tree has one. */
  readonly native: boolean
  /** Its compiled command line, when it was asked for and can be built. */
  readonly program: string | undefined
  readonly notes: readonly string[]
  remove(): void
}

/** Removes what it made when it fails or is interrupted. `compiled`: with its own dist/. */
export async function checkOut(commit: string, compiled: boolean, signal: AbortSignal): Promise<OtherTree> {
  const folder = mkdtempSync(join(tmpdir(), 'myrmex-compare-'))
  const path = join(folder, 'tree')
  const remove = () => {
    git('worktree', 'remove', '--force', path)
    rmSync(folder, { recursive: true, force: true })
    git('worktree', 'prune')
  }
  // Also when the process ends without its `finally`: at the second Ctrl-C, or through an error nobody caught.
  process.once('exit', remove)
  const done = () => {
    process.off('exit', remove)
    remove()
  }
  try {
    await run('git', ['worktree', 'add', '--quiet', '--detach', '--force', path, commit], ROOT, signal)
    rmSync(join(path, 'bench'), { recursive: true, force: true })
    cpSync(join(ROOT, 'bench'), join(path, 'bench'), { recursive: true })
    const notes: string[] = []
    await packages(path, notes, signal)
    const runtime = await runtimeOf(path)
    const native = await nativeCore(path, notes, signal)
    const program = compiled ? await build(path, notes, signal) : undefined
    return { path, runtime, native, program, notes, remove: done }
  } catch (error) {
    done()
    throw error
  }
}

/** As its own launcher finds it; older revisions have it from the npm package `node`. Ours where it pins none. */
async function runtimeOf(path: string): Promise<string> {
  const launcher = join(path, 'bin', 'runtime.mjs')
  if (existsSync(launcher)) {
    const { pinnedRuntime } = (await import(pathToFileURL(launcher).href)) as {
      pinnedRuntime?: () => string | undefined
    }
    return pinnedRuntime?.() ?? process.execPath
  }
  const packaged = join(path, 'node_modules', 'node', 'bin', process.platform === 'win32' ? 'node.exe' : 'node')
  return existsSync(packaged) ? packaged : process.execPath
}

async function packages(path: string, notes: string[], signal: AbortSignal): Promise<void> {
  const lock = (tree: string) => readFileSync(join(tree, 'package-lock.json'), 'utf8')
  if (lock(path) === lock(ROOT)) return symlinkSync(join(ROOT, 'node_modules'), join(path, 'node_modules'), 'junction')
  notes.push('its packages differ from ours: installed for it (npm ci)')
  const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm'
  await run(npm, ['ci', '--no-audit', '--no-fund', '--loglevel=error'], path, signal)
}

/**
 * The build script itself tells whether our core fits its sources. One that must be built shares our cargo cache, so
 * that only the crates of this project are compiled again.
 */
async function nativeCore(path: string, notes: string[], signal: AbortSignal): Promise<boolean> {
  const ours = join(ROOT, 'native', 'build')
  if (!existsSync(join(ours, 'myrmex.node'))) return true
  cpSync(ours, join(path, 'native', 'build'), { recursive: true })
  const stamp = (tree: string) => readFileSync(join(tree, 'native', 'build', 'sources.sha256'), 'utf8')
  const before = stamp(path)
  try {
    const cache = { CARGO_TARGET_DIR: process.env['CARGO_TARGET_DIR'] ?? join(ROOT, 'native', 'target') }
    const words = await run(process.execPath, [join(path, 'scripts', 'build-native.mjs')], path, signal, cache)
    if (/not built/.test(words)) throw new Error(words.trim())
    if (stamp(path) !== before) notes.push('its native sources differ from ours: built for it')
    return true
  } catch (error) {
    signal.throwIfAborted()
    // Ours would answer in its name.
    rmSync(join(path, 'native', 'build'), { recursive: true, force: true })
    const reason = (error as Error).message.split('\n')[0]
    notes.push(`its native core cannot be built (${reason}): both sides run on the WebAssembly core`)
    return false
  }
}

/** By its own build script, without that of the packages: they are there. */
async function build(path: string, notes: string[], signal: AbortSignal): Promise<string | undefined> {
  try {
    const file = join(path, 'scripts', 'dist.mjs')
    if (!existsSync(file)) throw new Error('it has no build')
    const script = pathToFileURL(file).href
    const code = `import { buildDist } from ${JSON.stringify(script)}; process.exitCode = buildDist()`
    await run(process.execPath, ['--input-type=module', '-e', code], path, signal)
    return join(path, 'dist', 'cli', 'main.js')
  } catch (error) {
    signal.throwIfAborted()
    const reason = (error as Error).message.split('\n')[0]
    notes.push(`its sources cannot be compiled (${reason}): nodes of both sides run from the sources`)
    return undefined
  }
}

/** What the program wrote; throws with its last words unless it ends with 0. */
function run(
  program: string,
  args: readonly string[],
  cwd: string,
  signal: AbortSignal,
  environment: Readonly<Record<string, string>> = {},
): Promise<string> {
  return new Promise((resolve, reject) => {
    const env = { ...process.env, ...environment }
    const stdio = ['ignore', 'pipe', 'pipe'] as const
    const child = spawn(program, args, { cwd, env, signal, stdio: [...stdio], shell: program.endsWith('.cmd') })
    let words = ''
    const hear = (text: Buffer) => (words = `${words}${text}`.slice(-8000))
    child.stdout?.on('data', hear)
    child.stderr?.on('data', hear)
    child.on('error', reject)
    child.on('close', (code) => {
      if (code === 0) resolve(words)
      else reject(new Error(`${program} ${args[0]} ended with code ${code}: ${words.trim().split('\n').at(-1)}`))
    })
  })
}
