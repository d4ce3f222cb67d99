// One entry for every npm script: prepare what is missing, then run the pinned Node on the TypeScript sources.
import { spawn } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { buildDist } from './dist.mjs'
import { prepareNative, preparePackages, runtime, say } from './prepare.mjs'

const root = join(import.meta.dirname, '..')
const bin = (name) => join(root, 'node_modules', '.bin', name)
const [command, ...args] = process.argv.slice(2)

// Fast tests first; files of one tier run side by side on the cores there are.
const TIERS = ['architecture', 'unit', 'vector-suites', 'contract', 'fuzz', 'sim', 'integration', 'e2e']

const commands = {
  start: () => run(runtime, [commandLine(), 'start', ...args]),
  myrmex: () => run(runtime, [commandLine(), ...args]),
  test: () => runTests(args.length > 0 ? args : TIERS.flatMap(testsOf)),
  'test-vectors': () => runTests(testsOf('vector-suites')),
  'test-interop': () => runInterop(),
  'test-low-memory': () => run(runtime, [join(root, 'test', 'soak', 'run-low-memory.ts'), ...args]),
  check: async () =>
    (await run(runtime, [join(root, 'node_modules', 'typescript', 'bin', 'tsc'), '-p', '.'])) ||
    (await run(bin('biome'), ['check', '--error-on-warnings', '.'])) ||
    (await runTests(testsOf('architecture'))) ||
    run(process.execPath, [join(root, 'scripts', 'check-native.mjs')]),
  bench: () => run(runtime, ['--expose-gc', join(root, 'bench', 'run.ts'), '--program', commandLine(), ...args]),
  'bench-report': () => run(runtime, [join(root, 'bench', 'report', 'main.ts'), ...args]),
  'bench-goals': () =>
    run(runtime, ['--expose-gc', join(root, 'bench', 'goals', 'run.ts'), '--program', commandLine(), ...args]),
}

const chosen = commands[command]
if (!chosen) {
  say(`unknown script "${command}"`)
  process.exit(2)
}
preparePackages()
prepareNative({ quiet: command === 'myrmex' })
process.exitCode = await chosen()

/** Compiled: type stripping costs every process 17 MiB and twice the start. Sources that do not compile run as they are. */
function commandLine() {
  if (buildDist() === 0) return join(root, 'dist', 'cli', 'main.js')
  say('dist/ could not be built: running the sources')
  return join(root, 'src', 'cli', 'main.ts')
}

function testsOf(tier) {
  const folder = join(root, 'test', tier)
  return readdirSync(folder, { recursive: true })
    .filter((name) => name.endsWith('.test.ts'))
    .sort()
    .map((name) => join('test', tier, name))
}

function runTests(files) {
  return run(runtime, ['--test', '--test-reporter=./scripts/summary-reporter.mjs', ...files])
}

/** Foreign nodes run in a network namespace with nothing but loopback: nothing of theirs leaves the machine. */
function runInterop() {
  // Long, and worth watching: what the test says is shown.
  const limits = ['--test-concurrency=1', '--test-timeout=7200000']
  const args = ['--test', '--test-reporter=spec', ...limits, ...testsOf('interop')]
  if (!process.env.PEER_BIN) return run(runtime, args)
  if (process.getuid?.() !== 0) {
    say('the interop tests need root, for a network namespace of their own')
    return 1
  }
  return run('unshare', ['--net', 'sh', '-c', 'ip link set lo up && exec "$0" "$@"', runtime, ...args])
}

/** Runs to the end with our terminal; Ctrl-C is the child's business. Resolves to the exit code. */
function run(program, programArgs) {
  return new Promise((resolve) => {
    const child = spawn(program, programArgs, {
      cwd: process.env.INIT_CWD && command === 'myrmex' ? process.env.INIT_CWD : root,
      stdio: 'inherit',
    })
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'])
      process.on(signal, () => signal === 'SIGINT' || child.kill(signal))
    child.on('error', (error) => {
      say(`${program} did not start: ${error.message}`)
      resolve(1)
    })
    child.on('exit', (code, signal) => resolve(code ?? (signal === 'SIGINT' ? 130 : 1)))
  })
}
