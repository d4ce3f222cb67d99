// rustfmt, clippy and cargo test of the native core, and the checksum of the committed wasm, where cargo is there.
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { say } from './prepare.mjs'

const root = join(import.meta.dirname, '..')
const native = join(root, 'native')
if (spawnSync('cargo', ['--version'], { stdio: 'ignore' }).status !== 0) {
  say('skipped: rustfmt, clippy and cargo test (cargo is not installed)')
  process.exit(0)
}
const steps = [
  ['cargo', ['fmt', '--all', '--check'], native],
  ['cargo', ['fmt', '--check'], join(native, 'bench')],
  ['cargo', ['clippy', '--release', '--all-targets', '--quiet', '--', '-D', 'warnings'], native],
  ['cargo', ['test', '--release', '--quiet'], native],
  [process.execPath, [join(root, 'wasm', 'build.mjs'), '--check'], root],
]
for (const [program, args, cwd] of steps) {
  const { status } = spawnSync(program, args, { cwd, stdio: 'inherit' })
  if (status !== 0) process.exit(status ?? 1)
}
