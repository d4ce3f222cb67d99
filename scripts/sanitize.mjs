// Runs the tests of the addon under the address and undefined-behaviour sanitizers (docs/sanitizers.md).
// Linux with gcc only. Plain JS without dependencies.
//   node scripts/sanitize.mjs [test files]      default: the crypto and endpoint contract tests
import { spawnSync } from 'node:child_process'
import { copyFileSync, mkdirSync, readdirSync } from 'node:fs'
import { isAbsolute, join } from 'node:path'
import { pinnedRuntime } from '../bin/runtime.mjs'

const root = join(import.meta.dirname, '..')
const native = join(root, 'native')
const targetDir = join(native, 'target', 'sanitize')
const addon = join(native, 'build', 'myrmex-sanitized.node')
const runtime = pinnedRuntime() ?? process.execPath

if (process.platform !== 'linux') stop('skipped: written for Linux with gcc', 0)
const libraries = ['libasan.so', 'libubsan.so', 'libstdc++.so'].map(libraryOf)

build()
const failed = selfTest() || run(process.argv.slice(2))
process.exit(failed ? 1 : 0)

function libraryOf(name) {
  const { stdout, status } = spawnSync('gcc', [`-print-file-name=${name}`], { encoding: 'utf8' })
  const path = stdout?.trim() ?? ''
  // gcc answers with the bare name when it does not have the file.
  if (status !== 0 || !isAbsolute(path)) stop(`skipped: gcc does not know ${name} (Debian: apt-get install g++)`, 0)
  return path
}

function build() {
  say('building the addon with -fsanitize=address,undefined')
  const env = { ...process.env, MYRMEX_SANITIZE: '1', CARGO_TARGET_DIR: targetDir, CXX: 'g++' }
  const args = ['build', '--release', '--locked', '--package', 'myrmex-addon']
  const { status } = spawnSync('cargo', args, { cwd: native, env, stdio: 'inherit' })
  if (status !== 0) stop('the build failed, cargo says why above', 1)
  mkdirSync(join(native, 'build'), { recursive: true })
  copyFileSync(join(targetDir, 'release', 'libmyrmex_addon.so'), addon)
}

/** A run that cannot find anything proves nothing: a planted read past the end of a heap block must be reported. */
function selfTest() {
  const program = `require(${JSON.stringify(addon)}).sanitizerProbe()`
  const { stderr } = spawnSync(runtime, ['--eval', program], { env: sanitized(), encoding: 'utf8' })
  if (/heap-buffer-overflow/.test(stderr ?? '')) return false
  say(`a planted overflow was not reported, so nothing below would mean anything. ${stderr}`)
  return true
}

function sanitized() {
  return {
    ...process.env,
    LD_PRELOAD: libraries.join(':'),
    // Leaks: Node itself keeps memory until the end. SEGV: V8 catches it for WebAssembly bounds. Quarantine: freed
    // memory is held back to catch late uses, but a test looks at how much memory is held.
    ASAN_OPTIONS: 'detect_leaks=0:handle_segv=0:abort_on_error=1:quarantine_size_mb=32',
    UBSAN_OPTIONS: 'halt_on_error=1:print_stacktrace=1',
    MYRMEX_ADDON: addon,
    MYRMEX_BACKEND: '',
  }
}

function run(given) {
  const inFolder = (folder, pattern) =>
    readdirSync(join(root, folder))
      .filter((name) => pattern.test(name))
      .map((name) => `${folder}/${name}`)
  const usual = [
    ...inFolder('test/contract', /^(crypto|transport).*\.test\.ts$/),
    ...inFolder('test/unit/crypto', /\.test\.ts$/),
  ]
  const tests = given.length > 0 ? given : usual
  say(`running ${tests.length} test files`)
  const { status } = spawnSync(runtime, ['--test', ...tests], {
    cwd: root,
    env: sanitized(),
    stdio: 'inherit',
  })
  say(status === 0 ? 'no finding' : 'FAILED: see above')
  return status !== 0
}

function say(text) {
  process.stderr.write(`[sanitize] ${text}\n`)
}

function stop(text, status) {
  say(text)
  process.exit(status)
}
