// dist/: the sources as plain JS, for the npm package and for processes that should not pay for type stripping.
// Plain JS without dependencies: it runs on the Node that the machine has.
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const root = join(import.meta.dirname, '..')
const dist = join(root, 'dist')
const STAMP = '.sources.sha256'

/** Whether dist/ was built from the sources as they are now. Reads every source: some milliseconds. */
export function distIsFresh() {
  const stamp = join(dist, STAMP)
  return existsSync(stamp) && readFileSync(stamp, 'utf8').trim() === sourcesDigest()
}

/** Builds dist/ when its sources changed. The new folder takes the place of the old one as a whole. */
export function buildDist() {
  if (distIsFresh()) return 0
  const digest = sourcesDigest()
  const staging = join(root, `.tmp/dist.${process.pid}`)
  const old = `${staging}.old`
  try {
    const compiler = join(root, 'node_modules', 'typescript', 'bin', 'tsc')
    const args = [compiler, '-p', 'tsconfig.build.json', '--outDir', staging]
    const { status } = spawnSync(process.execPath, args, { cwd: root, stdio: ['ignore', 2, 2] })
    if (status !== 0) return status ?? 1
    writeFileSync(join(staging, STAMP), `${digest}\n`)
    mkdirSync(join(root, '.tmp'), { recursive: true })
    if (existsSync(dist)) renameSync(dist, old)
    try {
      renameSync(staging, dist)
    } catch (error) {
      // Two builds at once: the other one was first, and it built the same sources.
      if (!distIsFresh()) throw error
    }
    return 0
  } finally {
    for (const folder of [staging, old]) rmSync(folder, { recursive: true, force: true })
  }
}

function sourcesDigest() {
  const hash = createHash('sha256')
  const sources = readdirSync(join(root, 'src'), { recursive: true })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => `src/${name.replaceAll('\\', '/')}`)
    .sort()
  for (const file of [...sources, 'tsconfig.json', 'tsconfig.build.json', 'package-lock.json']) {
    const bytes = readFileSync(join(root, file))
    hash.update(`${file}\0${bytes.length}\0`).update(bytes)
  }
  return hash.digest('hex')
}
