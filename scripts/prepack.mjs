// npm runs this before it packs: everything in the package that is not in git is built from what is.
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { buildDist } from './dist.mjs'
import { notices } from './notices.mjs'
import { preparePackages, say } from './prepare.mjs'

const root = join(import.meta.dirname, '..')
preparePackages()
for (const script of ['scripts/build-prebuilt.mjs', 'wasm/build.mjs --check']) {
  const [file, ...args] = script.split(' ')
  // npm's standard output belongs to npm.
  const { status } = spawnSync(process.execPath, [join(root, file), ...args], { cwd: root, stdio: ['ignore', 2, 2] })
  if (status !== 0) stop(`${script} failed, it says why above`)
}
if (buildDist() !== 0) stop('the sources did not compile')
const sums = join(root, 'prebuilds', 'SHA256SUMS')
if (!existsSync(sums) || readFileSync(sums, 'utf8').trim().split('\n').length !== 2) stop('an addon is missing')
writeFileSync(join(root, 'NOTICES.txt'), notices())

function stop(text) {
  say(`not packed: ${text}`)
  process.exit(1)
}
