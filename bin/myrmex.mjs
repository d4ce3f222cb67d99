#!/usr/bin/env node
// Launcher: plain JS for the Node that called it; the program itself runs on the Node pinned by the package.
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { OLDEST, pinnedRuntime, recentEnough, runtimePackage } from './runtime.mjs'

const root = join(import.meta.dirname, '..')
const compiled = join(root, 'dist', 'cli', 'main.js')
const source = join(root, 'src', 'cli', 'main.ts')

const runtime = pinnedRuntime() ?? (recentEnough() ? process.execPath : undefined)
if (runtime === undefined) {
  const remedy =
    runtimePackage === undefined
      ? `there is no packaged one for ${process.platform}-${process.arch}`
      : `the package ${runtimePackage} is not there: install myrmex again without --omit=optional`
  process.stderr.write(
    `myrmex: Node ${process.versions.node} is too old, ${OLDEST} or newer is needed. Install a newer Node, or let npm bring one along: ${remedy}.\n`,
  )
  process.exit(1)
}
const child = spawn(runtime, [await program(), ...process.argv.slice(2)], { stdio: 'inherit' })
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'])
  process.on(signal, () => signal === 'SIGINT' || child.kill(signal))
child.on('error', (error) => {
  process.stderr.write(`myrmex: ${runtime} did not start: ${error.message}\n`)
  process.exit(1)
})
child.on('exit', (code, signal) => process.exit(code ?? (signal === 'SIGINT' ? 130 : 1)))

/** The package has only dist/; a checkout may have one that is older than its sources. */
async function program() {
  if (!existsSync(source)) return compiled
  const { distIsFresh } = await import('../scripts/dist.mjs')
  return distIsFresh() ? compiled : source
}
