/** The golden vectors once more on the backends that are not in force here: all must give the same bytes. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { test } from 'node:test'
import { backend } from '../../src/crypto/index.ts'

const SUITE = join(import.meta.dirname, '../vector-suites/vectors.test.ts')

for (const name of ['wasm', 'js'] as const) {
  const skip = backend().name === name ? 'in force: the suite itself covers it' : false
  test(`every vector file on the ${name} backend`, { skip }, async () => {
    const { code, output } = await run({ MYRMEX_BACKEND: name })
    assert.equal(code, 0, output.slice(-4000))
    const passed = Number(/^# pass (\d+)$/m.exec(output)?.[1] ?? 0)
    assert.ok(passed > 500, `only ${passed} cases ran`)
  })
}

function run(env: Record<string, string>): Promise<{ code: number | null; output: string }> {
  return new Promise((resolve, reject) => {
    const clean = { ...process.env }
    // A test process of its own, not a part of this one.
    delete clean['NODE_TEST_CONTEXT']
    const child = spawn(process.execPath, ['--test', '--test-reporter=tap', SUITE], {
      env: { ...clean, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    const parts: Buffer[] = []
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (part: Buffer) => parts.push(part))
    child.on('error', reject)
    child.on('close', (code) => resolve({ code, output: Buffer.concat(parts).toString('utf8') }))
  })
}
