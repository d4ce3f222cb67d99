// Gets a checkout ready, whatever is missing: packages, the pinned Node runtime, the native core when cargo is there.
// Plain JS without dependencies: it runs on the Node that the machine has, before anything is installed.
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const root = join(import.meta.dirname, '..')
const marker = join(root, 'node_modules', '.myrmex-prepared')

/** The Node runtime pinned by package.json. */
export const runtime = join(root, 'node_modules', 'node', 'bin', process.platform === 'win32' ? 'node.exe' : 'node')

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
  if (have === wanted && existsSync(runtime)) return
  say('installing packages (npm ci) ...')
  const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm'
  const result = spawnSync(npm, ['ci', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: root,
    stdio: ['ignore', 2, 2],
    shell: process.platform === 'win32',
  })
  if (result.status !== 0)
    fail('installing packages failed (npm ci); what npm said is above. Most often the npm registry cannot be reached.')
  if (!existsSync(runtime)) {
    fail(
      'the pinned Node runtime was not installed: allow the install script of the package "node" (npm install-scripts approve node) and try again.',
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
