#!/usr/bin/env node
// Launcher: plain JS for the Node that called it; the program itself runs on the Node pinned by the package.
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'

const root = join(import.meta.dirname, '..')
const compiled = join(root, 'dist', 'cli', 'main.js')
const main = existsSync(compiled) ? compiled : join(root, 'src', 'cli', 'main.ts')

function pinnedRuntime() {
  try {
    const manifest = createRequire(import.meta.url).resolve('node/package.json')
    const path = join(dirname(manifest), 'bin', process.platform === 'win32' ? 'node.exe' : 'node')
    return existsSync(path) ? path : undefined
  } catch {
    return undefined
  }
}

const runtime = pinnedRuntime()
if (!runtime && Number(process.versions.node.split('.')[0]) < 24) {
  process.stderr.write(
    'myrmex needs Node 24.7 or newer, or its own runtime: reinstall it with install scripts allowed for the package "node".\n',
  )
  process.exit(1)
}
const child = spawn(runtime ?? process.execPath, [main, ...process.argv.slice(2)], { stdio: 'inherit' })
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'])
  process.on(signal, () => signal === 'SIGINT' || child.kill(signal))
child.on('exit', (code, signal) => process.exit(code ?? (signal === 'SIGINT' ? 130 : 1)))
