// npm run test:package: packs, installs into an empty folder as an operator would (no compiler, no cargo, a HOME of its
// own, the Node that the machine has), and uses what was installed. Any surprise ends it with exit code 1.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import {
  accessSync,
  constants,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'

const root = join(import.meta.dirname, '..')
const temp = realpathSync(mkdtempSync(join(tmpdir(), 'myrmex-package-')))
const app = join(temp, 'app')
const FORBIDDEN = ['cargo', 'rustc', 'rustup', 'cc', 'gcc', 'c++', 'g++', 'clang', 'make', 'python3']
/** All that may be in the package, and nothing else: no sources, no tests. */
const ALLOWED = /^(package\.json|README\.md|LICENSE|NOTICES\.txt|(bin|dist|wasm\/dist|prebuilds|scenarios)\/.*)$/
const EXPECTED = [
  'bin/myrmex.mjs',
  'dist/cli/main.js',
  'dist/compute/worker-entry.js',
  'prebuilds/linux-x64/myrmex.node',
  'prebuilds/linux-arm64/myrmex.node',
  'prebuilds/SHA256SUMS',
  'wasm/dist/core.wasm',
  'scenarios/a-day.sim',
  'NOTICES.txt',
]
const native = process.platform === 'linux' && ['x64', 'arm64'].includes(process.arch)
let done = 0

try {
  const tarball = pack()
  const env = install(tarball)
  inspect(env)
  roundTrip(env)
  if (native) network(env)
  if (native) alteredAddon(env)
  withoutRuntime(env)
  say(`\n${done} passed, 0 failed`)
} finally {
  rmSync(temp, { recursive: true, force: true })
}

function pack() {
  const result = run('npm', ['pack', '--json', '--pack-destination', temp], { cwd: root, env: process.env })
  const [{ filename, size, unpackedSize, files }] = JSON.parse(result.stdout)
  const paths = files.map(({ path }) => path)
  const stray = paths.filter((path) => !ALLOWED.test(path) || /\.(ts|rs|cc)$/.test(path))
  assert.deepEqual(stray, [], 'files that do not belong into the package')
  for (const path of EXPECTED) assert.ok(paths.includes(path), `${path} is not in the package`)
  say(`tarball ${megabytes(size)}, unpacked ${megabytes(unpackedSize)}, ${paths.length} files`)
  for (const { path, size } of files.filter(({ size }) => size > 200_000)) say(`  ${path}: ${megabytes(size)}`)
  passed('the package holds what it should and nothing else')
  return join(temp, filename)
}

/** The environment of somebody who has Node and npm, and nothing to build with. */
function install(tarball) {
  const bin = join(temp, 'bin')
  for (const folder of [bin, app, join(temp, 'home')]) mkdirSync(folder)
  for (const name of ['node', 'npm', 'npx', 'sh', 'env']) symlinkSync(realpathSync(which(name)), join(bin, name))
  for (const name of FORBIDDEN) assert.ok(!existsSync(join(bin, name)))
  const setting = (name) => run('npm', ['config', 'get', name], { cwd: root, env: process.env }).stdout.trim()
  const env = {
    PATH: bin,
    HOME: join(temp, 'home'),
    LANG: 'C.UTF-8',
    // Where packages come from, and what was fetched already, is the machine's affair.
    npm_config_registry: setting('registry'),
    npm_config_cache: setting('cache'),
    npm_config_update_notifier: 'false',
  }
  writeFileSync(join(app, 'package.json'), '{ "private": true }\n')
  const { stderr, stdout } = run('npm', ['install', '--no-audit', '--no-fund', tarball], { cwd: app, env })
  assert.doesNotMatch(stderr + stdout, /install.scripts?|allow-?scripts/i, 'a package wants to run an install script')
  say(`installed: ${megabytes(sizeOf(join(app, 'node_modules')))} in node_modules, by Node ${nodeVersion(env)}`)
  passed('npm install in an empty folder, without compiler, without any install script')
  return env
}

function inspect(env) {
  assert.match(myrmex(env, '--version').stdout, /^myrmex \d+\.\d+\.\d+\n$/)
  passed('npx myrmex --version')
  const { stdout } = myrmex(env, 'doctor')
  say(stdout.replace(/^/gm, '  '))
  const report = doctor(env)
  if (!native) return assert.equal(report.crypto.name, 'wasm')
  assert.equal(report.crypto.name, 'native', JSON.stringify(report.crypto.refused))
  assert.equal(report.crypto.addon.origin, 'prebuilt')
  const folder = join(app, 'node_modules', 'myrmex', 'prebuilds', `${process.platform}-${process.arch}`)
  assert.equal(report.crypto.addon.path, join(folder, 'myrmex.node'))
  assert.equal(report.quic.available, true)
  assert.ok(report.runtime.path.startsWith(join(app, 'node_modules')), report.runtime.path)
  passed('npx myrmex doctor: native, prebuilt, on the packaged Node')
}

function roundTrip(env) {
  const file = join(temp, 'file.bin')
  writeFileSync(file, randomBytes(9_000_000))
  myrmex(env, 'encrypt', file, '--out', join(temp, 'sealed'))
  const map = readdirSync(join(temp, 'sealed')).find((name) => name.endsWith('.datamap'))
  myrmex(env, 'decrypt', join(temp, 'sealed', map), '--chunks', join(temp, 'sealed'), '-o', join(temp, 'opened.bin'))
  assert.ok(readFileSync(file).equals(readFileSync(join(temp, 'opened.bin'))))
  passed('encrypt and decrypt, 9 MB')
}

function network(env) {
  const data = join(temp, 'devnet')
  const file = join(temp, 'file.bin')
  const copy = join(temp, 'copy.bin')
  const json = (...args) => JSON.parse(myrmex(env, ...args, '--json').stdout)
  try {
    const { manifest } = json('devnet', 'start', '--nodes', '5', '--data', data, '--detach')
    const where = ['--devnet-manifest', manifest]
    const { address } = json('file', 'upload', file, '--public', ...where)
    myrmex(env, 'file', 'download', address, '-o', copy, ...where)
    assert.ok(readFileSync(file).equals(readFileSync(copy)))
  } finally {
    myrmex(env, 'devnet', 'stop', '--data', data)
  }
  assert.ok(!existsSync(data), 'the network left its folder behind')
  passed('a network of 5 node processes: upload, download, stop')
}

/** A damaged file is not loaded: the wasm core goes on, and the reason is told. */
function alteredAddon(env) {
  const file = join(app, 'node_modules', 'myrmex', 'prebuilds', `${process.platform}-${process.arch}`, 'myrmex.node')
  const sound = readFileSync(file)
  const altered = Buffer.from(sound)
  altered[altered.length >> 1] ^= 1
  writeFileSync(file, altered)
  const { crypto } = doctor(env)
  writeFileSync(file, sound)
  assert.equal(crypto.name, 'wasm')
  assert.match(crypto.refused.native, /was altered/)
  passed('one flipped bit in the addon: refused, wasm goes on')
}

/** As after `npm install --omit=optional`: a recent Node is used, an old one is told what to do. */
function withoutRuntime(env) {
  const modules = join(app, 'node_modules')
  for (const name of readdirSync(modules).filter((name) => /^node-(bin-)?(linux|darwin|win)-/.test(name)))
    renameSync(join(modules, name), join(temp, name))
  rmSync(join(modules, '.bin', 'node'), { force: true })
  const launcher = join(modules, 'myrmex', 'bin', 'myrmex.mjs')
  const version = (program) => spawnSync(program, [launcher, '--version'], { env, encoding: 'utf8', cwd: app })
  for (const program of new Set([realpathSync(which('node')), process.execPath])) {
    const { stdout: number } = spawnSync(program, ['-p', 'process.versions.node'], { encoding: 'utf8' })
    const [major, minor] = number.split('.').map(Number)
    const result = version(program)
    if (major > 24 || (major === 24 && minor >= 7)) assert.equal(result.status, 0, result.stderr)
    else {
      assert.equal(result.status, 1)
      assert.match(result.stderr, /too old, 24\.7 or newer is needed.*--omit=optional/)
      say(`  ${result.stderr.trim()}`)
    }
    passed(`without the packaged Node, on Node ${number.trim()}`)
  }
}

function myrmex(env, ...args) {
  return run('npx', ['--no-install', 'myrmex', ...args], { cwd: app, env })
}

function doctor(env) {
  return JSON.parse(myrmex(env, 'doctor', '--json').stdout)
}

function run(program, args, options) {
  const result = spawnSync(program, args, { encoding: 'utf8', maxBuffer: 2 ** 26, timeout: 900_000, ...options })
  const said = `${program} ${args.join(' ')}: exit ${result.status}\n${result.error ?? ''}${result.stdout}${result.stderr}`
  assert.equal(result.status, 0, said)
  return result
}

/** The first on the PATH that does not belong to this checkout: npm puts node_modules/.bin in front. */
function which(name) {
  const folders = (process.env.PATH ?? '').split(delimiter).filter((folder) => !folder.includes('node_modules'))
  const found = folders
    .map((folder) => join(folder, name))
    .find((path) => {
      try {
        accessSync(path, constants.X_OK)
        return statSync(path).isFile()
      } catch {
        return false
      }
    })
  return found ?? assert.fail(`${name} is not on the PATH`)
}

function nodeVersion(env) {
  return spawnSync(join(env.PATH, 'node'), ['-p', 'process.versions.node'], { encoding: 'utf8' }).stdout.trim()
}

function sizeOf(folder) {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
  return entries.reduce((sum, entry) => sum + statSync(join(entry.parentPath, entry.name)).size, 0)
}

function megabytes(bytes) {
  return `${(bytes / 1e6).toFixed(2)} MB`
}

function passed(what) {
  done++
  say(`ok ${what}`)
}

function say(text) {
  process.stdout.write(`${text}\n`)
}
