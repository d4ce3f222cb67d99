// Gets a checkout ready, whatever is missing: packages, the pinned Node runtime, the native core when cargo is there.
// Plain JS without dependencies: it runs on the Node that the machine has, before anything is installed.
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { OLDEST, pinnedRuntime, recentEnough, runtimePackage } from '../bin/runtime.mjs'

const root = join(import.meta.dirname, '..')
const marker = join(root, 'node_modules', '.myrmex-prepared')

/** The Node runtime pinned by package.json, once the packages are there; where there is none, this one if it will do. */
export let runtime = chosenRuntime()

function chosenRuntime() {
  return pinnedRuntime() ?? (runtimePackage === undefined && recentEnough() ? process.execPath : undefined)
}

/** The version of a package of the runtime, as package.json pins it. */
export function runtimeVersion(name) {
  return JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).optionalDependencies[name]
}

export function say(text) {
  process.stderr.write(`[myrmex] ${text}\n`)
}

/** Installs packages when the lock file changed since the last time. */
export function preparePackages() {
  const wanted = createHash('sha256')
    .update(readFileSync(join(root, 'package-lock.json')))
    .update(process.platform + process.arch)
    .digest('hex')
  const have = existsSync(marker) ? readFileSync(marker, 'utf8') : ''
  if (have === wanted && runtime !== undefined) return
  say('installing packages (npm ci) ...')
  const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm'
  const result = spawnSync(npm, ['ci', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: root,
    stdio: ['ignore', 2, 2],
    shell: process.platform === 'win32',
  })
  if (result.status !== 0)
    fail('installing packages failed (npm ci); what npm said is above. Most often the npm registry cannot be reached.')
  runtime = chosenRuntime()
  if (runtime === undefined) {
    fail(
      runtimePackage === undefined
        ? `there is no packaged Node for ${process.platform}-${process.arch}: use Node ${OLDEST} or newer.`
        : `the package ${runtimePackage} was not installed: npm must not omit optional packages (npm config get omit).`,
    )
  }
  writeFileSync(marker, wanted)
}

/** Builds the native core when its sources changed; a machine without cargo goes on with the WebAssembly core. */
export function prepareNative({ quiet = false } = {}) {
  const result = spawnSync(
    process.execPath,
    [join(root, 'scripts', 'build-native.mjs'), ...(quiet ? ['--quiet'] : [])],
    {
      cwd: root,
      stdio: ['ignore', 2, 2],
    },
  )
  if (result.status !== 0) fail('the native core did not build: its compiler output is above.')
}

function fail(sentence) {
  say(sentence)
  process.exit(1)
}
