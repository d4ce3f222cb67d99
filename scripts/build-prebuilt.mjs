// Builds the addons that the npm package carries: prebuilds/<platform>-<arch>/myrmex.node and prebuilds/SHA256SUMS.
//   node scripts/build-prebuilt.mjs [linux-x64] [linux-arm64]      default: both
// Needs rustup's cargo and python3 with venv; zig and cargo-zigbuild come from PyPI, pinned by hash. docs/packaging.md.
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { copyFileSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { delimiter, join } from 'node:path'
import { glibcFloor, readElf } from './elf.mjs'
import { libraryIn, nativeSourcesDigest } from './native-sources.mjs'

const root = join(import.meta.dirname, '..')
const native = join(root, 'native')
const targetDir = join(native, 'target', 'prebuilt')
const prebuilds = join(root, 'prebuilds')
const requirements = join(import.meta.dirname, 'prebuilt-requirements.txt')

/** What Rust's own library asks for; Debian 11 has 2.31, and the pinned Node itself asks for 2.28. */
const GLIBC = '2.17'
/** Symbols without which a machine of this kind would run portable code. */
const TARGETS = {
  'linux-x64': {
    triple: 'x86_64-unknown-linux-gnu',
    kernels: ['blake3_hash_many_avx2', 'blake3_hash_many_avx512', 'mldsa_ntt_avx2_asm'],
  },
  'linux-arm64': {
    triple: 'aarch64-unknown-linux-gnu',
    kernels: ['blake3_hash_many_neon', 'mldsa_ntt_aarch64_asm', 'ChaCha20_ctr32_neon'],
  },
}
/** Everything else, the C++ library first of all, is linked in. */
const SYSTEM_LIBRARIES = /^(lib(c|m|dl|pthread|rt)\.so\.\d+|ld-linux-[\w-]+\.so\.\d+)$/

const names = process.argv.slice(2)
for (const name of names)
  if (!TARGETS[name]) stop(`unknown target ${name}: known are ${Object.keys(TARGETS).join(', ')}`)
for (const name of names.length > 0 ? names : Object.keys(TARGETS)) prebuild(name, TARGETS[name])
writeSums()

function prebuild(name, { triple, kernels }) {
  const file = join(prebuilds, name, 'myrmex.node')
  const stamp = join(targetDir, `${name}.stamp`)
  const sources = nativeSourcesDigest(`${name} ${GLIBC} ${readFileSync(requirements, 'utf8')}`)
  const stampOf = () => `${sources} ${sha256(file)}\n`
  if (existsSync(file) && existsSync(stamp) && readFileSync(stamp, 'utf8') === stampOf()) return report(name, file)
  const library = compile(triple, tools())
  judge(name, readElf(readFileSync(library)), kernels)
  mkdirSync(join(prebuilds, name), { recursive: true })
  const fresh = `${file}.${process.pid}`
  strip(library, fresh)
  renameSync(fresh, file)
  writeFileSync(stamp, stampOf())
  report(name, file)
}

/** The folder of the pinned tools' commands; made once for each list of requirements. */
function tools() {
  const venv = join(root, '.tmp', `zig-${sha256(requirements).slice(0, 12)}`)
  const bin = join(venv, 'bin')
  if (existsSync(join(venv, 'complete'))) return bin
  say('fetching zig and cargo-zigbuild from PyPI')
  rmSync(venv, { recursive: true, force: true })
  mustRun(
    'python3',
    ['-m', 'venv', venv],
    'python3 with its module venv is needed (Debian: apt-get install python3-venv)',
  )
  const pip = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--no-deps', '--only-binary=:all:']
  mustRun(join(bin, 'python'), [...pip, '--require-hashes', '-r', requirements], 'PyPI could not be reached?')
  writeFileSync(join(venv, 'complete'), '')
  return bin
}

function compile(triple, bin) {
  const installed = spawnSync('rustup', ['target', 'list', '--installed'], { encoding: 'utf8', cwd: native })
  if (installed.status !== 0) stop('rustup is needed for the library of a foreign target: https://rustup.rs')
  if (!installed.stdout.split('\n').includes(triple))
    mustRun('rustup', ['target', 'add', triple], `rustup has no library for ${triple}`, native)
  say(`building for ${triple}, glibc ${GLIBC} (minutes the first time)`)
  const args = ['zigbuild', '--profile', 'prebuilt', '--locked', '--package', 'myrmex-addon']
  args.push('--target', `${triple}.${GLIBC}`, '--message-format', 'json-render-diagnostics')
  // No folder of this machine in the file. RUSTFLAGS also keeps out what the user's own cargo configuration says, a
  // target-cpu above all.
  const cargoHome = process.env.CARGO_HOME ?? join(homedir(), '.cargo')
  const renamed = [`${cargoHome}=/cargo`, `${root}=/myrmex`]
  const suffix = triple.replaceAll('-', '_')
  const cFlags = renamed.map((pair) => `-ffile-prefix-map=${pair}`).join(' ')
  const env = {
    ...process.env,
    PATH: `${bin}${delimiter}${process.env.PATH}`,
    CARGO_TARGET_DIR: targetDir,
    CARGO_ENCODED_RUSTFLAGS: renamed.map((pair) => `--remap-path-prefix=${pair}`).join('\x1f'),
    [`CFLAGS_${suffix}`]: cFlags,
    [`CXXFLAGS_${suffix}`]: cFlags,
  }
  const result = spawnSync('cargo', args, {
    cwd: native,
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
    encoding: 'utf8',
    maxBuffer: 2 ** 28,
  })
  const library = result.status === 0 ? libraryIn(result.stdout) : undefined
  return library ?? stop('the build failed, cargo says why above')
}

/** A file that would not load, or would run slow, on a machine it is meant for must not be packed. */
function judge(name, { arch, needed, versions, symbols, exported }, kernels) {
  const wrong = []
  if (`linux-${arch}` !== name) wrong.push(`it is built for ${arch}`)
  const foreign = needed.filter((library) => !SYSTEM_LIBRARIES.test(library))
  if (foreign.length > 0) wrong.push(`it needs ${foreign.join(', ')}`)
  const floor = glibcFloor(versions)
  const [major, minor] = GLIBC.split('.').map(Number)
  if (floor === undefined || floor[0] > major || floor[1] > minor) wrong.push(`it needs glibc ${floor?.join('.')}`)
  if (!exported.has('napi_register_module_v1')) wrong.push('it does not register with Node')
  const all = [...symbols]
  const missing = kernels.filter((kernel) => !all.some((symbol) => symbol.endsWith(kernel)))
  if (missing.length > 0) wrong.push(`it lacks the vector kernels ${missing.join(', ')}`)
  if (wrong.length > 0) stop(`${name}: ${wrong.join('; ')}`)
  say(`${name}: glibc ${floor.join('.')}; needs ${needed.join(' ')}; vector kernels ${kernels.join(' ')}`)
}

/** With the tool that comes with rustc: it knows every architecture that rustc does. */
function strip(from, to) {
  const { stdout } = spawnSync('rustc', ['--print', 'sysroot'], { encoding: 'utf8', cwd: native })
  const { stdout: version } = spawnSync('rustc', ['--version', '--verbose'], { encoding: 'utf8', cwd: native })
  const sysroot = stdout.trim()
  const host = /^host: (.*)$/m.exec(version)?.[1] ?? ''
  const objcopy = join(sysroot, 'lib', 'rustlib', host, 'bin', 'rust-objcopy')
  const env = { ...process.env, LD_LIBRARY_PATH: join(sysroot, 'lib') }
  copyFileSync(from, to)
  const { status } = spawnSync(objcopy, ['--strip-all', to], { env, stdio: 'inherit' })
  if (status !== 0) stop(`${objcopy} could not strip the addon (part of rustup's toolchain since Rust 1.84)`)
}

function writeSums() {
  const files = Object.keys(TARGETS).filter((name) => existsSync(join(prebuilds, name, 'myrmex.node')))
  const lines = files.map((name) => `${sha256(join(prebuilds, name, 'myrmex.node'))}  ${name}/myrmex.node\n`)
  writeFileSync(join(prebuilds, 'SHA256SUMS'), lines.join(''))
}

function report(name, file) {
  say(`${name}: ${(statSync(file).size / 1e6).toFixed(2)} MB stripped, SHA-256 ${sha256(file)}`)
}

function sha256(file) {
  return createHash('sha256').update(readFileSync(file)).digest('hex')
}

function mustRun(program, args, advice, cwd = root) {
  const { status } = spawnSync(program, args, { cwd, stdio: ['ignore', 2, 2] })
  if (status !== 0) stop(`${program} ${args.join(' ')} failed: ${advice}`)
}

function say(text) {
  process.stderr.write(`[prebuilt] ${text}\n`)
}

function stop(text) {
  say(text)
  process.exit(1)
}
