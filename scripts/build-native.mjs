// Builds the native addon with cargo and puts it where the program looks: native/build/myrmex.node.
// Plain JS without dependencies: it runs before anything is installed, on Node 20 too. Where something is missing it
// says what, exits 0, and the program goes on with the WebAssembly core; a build that fails exits 1.
import { execFileSync, spawnSync } from 'node:child_process'
import { copyFileSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { libraryIn, nativeSourcesDigest } from './native-sources.mjs'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const native = join(root, 'native')
const built = join(native, 'build', 'myrmex.node')
const stamp = join(native, 'build', 'sources.sha256')
const CARGO_ADVICE = 'install Rust from https://rustup.rs (rustup update renews it)'
const COMPILER_ADVICE = 'install one (Debian and Ubuntu: apt-get install g++; macOS: xcode-select --install)'

const digest = nativeSourcesDigest(`${process.platform} ${process.arch}`)
if (existsSync(built) && existsSync(stamp) && readFileSync(stamp, 'utf8').trim() === digest) process.exit(0)

const missing = whatIsMissing()
if (missing !== undefined) {
  // A command of a user says nothing of it: what needs the addon says so itself.
  if (!process.argv.includes('--quiet'))
    console.error(`native core: not built, ${missing}. The WebAssembly core is used until then.`)
  process.exit(0)
}
build()

/** One clause that says what stands in the way and how to get it; undefined when everything is there. */
function whatIsMissing() {
  const wanted = /rust-version\s*=\s*"([\d.]+)"/.exec(readFileSync(join(native, 'Cargo.toml'), 'utf8'))?.[1] ?? '0'
  const version = versionOf('cargo')
  if (version === undefined) return `cargo is not there: ${CARGO_ADVICE}`
  if (!atLeast(version, wanted)) return `cargo ${version} is older than ${wanted}: ${CARGO_ADVICE}`
  const compiler = process.env.CXX ?? ['c++', 'g++', 'clang++'].find((name) => runs(name)) ?? ''
  if (compiler === '' || !runs(compiler.split(' ')[0])) return `there is no C++ compiler: ${COMPILER_ADVICE}`
  for (const name of ['node-addon-api', 'node-api-headers'])
    if (!existsSync(join(root, 'node_modules', name))) return `the package ${name} is not there: run npm install`
  return undefined
}

function versionOf(command) {
  try {
    return /\d+\.\d+\.\d+/.exec(execFileSync(command, ['--version'], { encoding: 'utf8', stdio: 'pipe' }))?.[0]
  } catch {
    return undefined
  }
}

function runs(command) {
  return spawnSync(command, ['--version'], { stdio: 'ignore' }).status === 0
}

function atLeast(version, wanted) {
  const [a, b] = [version, wanted].map((text) => text.split('.').map(Number))
  for (let i = 0; i < 3; i++) if ((a[i] ?? 0) !== (b[i] ?? 0)) return (a[i] ?? 0) > (b[i] ?? 0)
  return true
}

function build() {
  console.error('native core: building with cargo (a few minutes the first time)')
  const args = [
    'build',
    '--release',
    '--locked',
    '--package',
    'myrmex-addon',
    '--message-format',
    'json-render-diagnostics',
  ]
  // The library's path comes from cargo itself: a target folder or triple may be set in the user's configuration.
  const result = spawnSync('cargo', args, {
    cwd: native,
    stdio: ['ignore', 'pipe', 'inherit'],
    encoding: 'utf8',
    maxBuffer: 2 ** 28,
  })
  const library = result.status === 0 ? libraryIn(result.stdout) : undefined
  if (library === undefined) {
    console.error('native core: the build failed, cargo says why above')
    process.exit(1)
  }
  mkdirSync(dirname(built), { recursive: true })
  // A new file in the place of the old one: a process that has the old one loaded keeps it.
  const fresh = `${built}.${process.pid}`
  rmSync(stamp, { force: true })
  copyFileSync(library, fresh)
  renameSync(fresh, built)
  writeFileSync(stamp, `${digest}\n`)
  console.error('native core: built')
}
