// Builds native/core as WebAssembly: wasm/dist/core.wasm and its checksum, both kept in git so that a machine without
// Rust still runs. The same sources and the pinned rustc give the same bytes wherever the checkout lies.
//   node wasm/build.mjs           builds and writes wasm/dist
//   node wasm/build.mjs --check   compares the file with its checksum, and with a rebuild where the pinned rustc is
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const here = dirname(fileURLToPath(import.meta.url))
const native = join(here, '..', 'native')
const dist = join(here, 'dist')
const file = join(dist, 'core.wasm')
const sums = join(dist, 'SHA256SUMS')
const pinned = readFileSync(join(here, 'rust-version'), 'utf8').trim()
const target = 'wasm32-unknown-unknown'

const check = process.argv.includes('--check')
if (check) checkCommitted()
const reason = whyNot()
if (reason !== undefined) {
  console.error(check ? `wasm core: rebuild skipped, ${reason}` : `wasm core: not built, ${reason}`)
  process.exit(check ? 0 : 1)
}
const library = build()
if (check) {
  if (!readFileSync(library).equals(readFileSync(file))) fail('a rebuild gives other bytes: run npm run build:wasm')
  console.error('wasm core: a rebuild gives the same bytes')
} else {
  mkdirSync(dist, { recursive: true })
  copyFileSync(library, file)
  writeFileSync(sums, `${sha256(file)}  core.wasm\n`)
  console.error(`wasm core: built, ${readFileSync(file).length} bytes`)
}

function checkCommitted() {
  const [sum] = readFileSync(sums, 'utf8').split(/\s+/)
  if (sum !== sha256(file)) fail('wasm/dist/core.wasm does not match wasm/dist/SHA256SUMS')
}

function whyNot() {
  const version = /^rustc (\S+)/.exec(
    output('rustc', [`+${pinned}`, '--version']) ?? output('rustc', ['--version']) ?? '',
  )
  if (version === null) return 'rustc is not there: install Rust from https://rustup.rs'
  if (version[1] !== pinned)
    return `rustc is ${version[1]}, the file is built with ${pinned}: rustup toolchain install ${pinned}`
  const libraries = output('rustc', [...toolchain(), '--print', 'target-libdir', '--target', target])?.trim()
  const std = libraries && output('ls', [libraries])
  if (std) return undefined
  const added = spawnSync('rustup', ['target', 'add', target, '--toolchain', pinned], { stdio: 'ignore' })
  return added.status === 0 ? undefined : `the target ${target} cannot be added: rustup target add ${target}`
}

/** Nothing where rustc is not the proxy of rustup, which alone understands +version. */
function toolchain() {
  return output('rustc', [`+${pinned}`, '--version']) === undefined ? [] : [`+${pinned}`]
}

function build() {
  const cargoHome = process.env.CARGO_HOME ?? join(homedir(), '.cargo')
  const version = output('rustc', [...toolchain(), '-vV'])
  const commit = /commit-hash: (\S+)/.exec(version ?? '')?.[1]
  const sysroot = output('rustc', [...toolchain(), '--print', 'sysroot'])?.trim()
  // Panic messages hold source paths: they must not depend on the machine.
  const remap = [
    [native, '/myrmex/native'],
    [cargoHome, '/cargo'],
    [join(sysroot ?? '', 'lib', 'rustlib', 'src', 'rust'), `/rustc/${commit}`],
  ]
  const flags = ['-Ctarget-feature=+simd128', ...remap.map(([from, to]) => `--remap-path-prefix=${from}=${to}`)]
  const args = [
    'rustc',
    '--release',
    '--locked',
    '--package',
    'myrmex-core',
    '--target',
    target,
    '--crate-type',
    'cdylib',
  ]
  const targetDir = join(native, 'target', 'wasm')
  const { status } = spawnSync('cargo', [...toolchain(), ...args], {
    cwd: native,
    stdio: ['ignore', 'inherit', 'inherit'],
    env: {
      ...process.env,
      CARGO_TARGET_DIR: targetDir,
      CARGO_ENCODED_RUSTFLAGS: flags.join('\x1f'),
      CARGO_PROFILE_RELEASE_PANIC: 'abort',
      CARGO_PROFILE_RELEASE_LTO: 'fat',
      CARGO_PROFILE_RELEASE_CODEGEN_UNITS: '1',
    },
  })
  if (status !== 0) fail('cargo failed, it says why above')
  return join(targetDir, target, 'release', 'myrmex_core.wasm')
}

/** What a command prints; undefined when it is not there or fails. */
function output(command, args) {
  const result = spawnSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })
  return result.status === 0 ? result.stdout : undefined
}

function sha256(path) {
  return createHash('sha256').update(readFileSync(path)).digest('hex')
}

function fail(sentence) {
  console.error(`wasm core: ${sentence}`)
  process.exit(1)
}
