/** What a storage node loads: each room that it never uses would cost its process 1 to 14 MiB for as long as it lives. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { quicAvailability } from '../../src/transport/index.ts'
import { tempFolder } from '../support/temp.ts'

const SOURCES = new URL('../../src/', import.meta.url).href

/** Starts and stops one node, then prints what was loaded: modules of ours and of packages, and those inside Node. */
const PROGRAM = `
import { registerHooks } from 'node:module'
import { mkdir } from 'node:fs/promises'
const urls = []
registerHooks({ load: (url, context, next) => (urls.push(url), next(url, context)) })
await import('${SOURCES}cli/commands/node-run.ts')
const { createStorageNode, resolveNodeSettings } = await import('${SOURCES}node/index.ts')
const { never, silentLogger, systemClock } = await import('${SOURCES}base/index.ts')
const settings = resolveNodeSettings({ rootDir: process.argv[1], mode: 'development', payment: 'free', metricsPort: 0 })
await mkdir(process.argv[1])
const node = await createStorageNode({ settings, logger: silentLogger, clock: systemClock })
await node.start(never)
await node.stop()
console.log(JSON.stringify({ urls, builtins: process.moduleLoadList }))
`

const NEVER_USED =
  /\/src\/(client|self-encryption|devnet|sim)\/|\/src\/crypto\/backend\/(js|wasm)|node_modules\/(piscina|brotli-wasm|@noble\/(ciphers|curves|post-quantum))\//

const { available } = quicAvailability()

test('a storage node with the addon loads no room of clients, no portable crypto, no undici', {
  skip: !available || process.env['MYRMEX_BACKEND'] !== undefined,
}, async () => {
  await using folder = await tempFolder()
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['--input-type=module', '--eval', PROGRAM, join(folder.path, 'node')],
    { maxBuffer: 4 << 20 },
  )
  const { urls, builtins } = JSON.parse(stdout) as { urls: string[]; builtins: string[] }
  assert.ok(urls.length > 100, `only ${urls.length} modules were seen`)
  assert.deepEqual(
    urls.filter((url) => NEVER_USED.test(url)),
    [],
  )
  assert.deepEqual(
    builtins.filter((name) => name.includes('undici')),
    [],
  )
})
