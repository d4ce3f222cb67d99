import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { test } from 'node:test'
import { backend, backendReport } from '../../../src/crypto/index.ts'
import { backendsUnderTest } from '../../support/backends.ts'

const door = join(import.meta.dirname, '../../../src/crypto/index.ts')
const nativeMissing = backendsUnderTest().find(({ name }) => name === 'native')?.skip ?? false

interface Answer {
  readonly name?: string
  readonly code?: string
  readonly message?: string
  readonly report: ReturnType<typeof backendReport>
}

/** The choice is made once per thread from the environment: each case needs a process of its own. */
function choiceIn(environment: Record<string, string>): Answer {
  const program = `
    const { backend, backendReport } = await import(${JSON.stringify(door)})
    const answer = {}
    try { answer.name = backend().name } catch ({ code, message }) { Object.assign(answer, { code, message }) }
    try { answer.report = backendReport() } catch {}
    console.log(JSON.stringify(answer))`
  const env: NodeJS.ProcessEnv = { ...process.env, ...environment }
  const result = spawnSync(process.execPath, ['--input-type=module', '--eval', program], { env, encoding: 'utf8' })
  assert.equal(result.status, 0, result.stderr)
  return JSON.parse(result.stdout) as Answer
}

const nowhere = { MYRMEX_ADDON: '/nowhere/myrmex.node' }

test('this thread has one backend, and the report says the same', () => {
  assert.equal(backend(), backend())
  const report = backendReport()
  assert.equal(report.name, backend().name)
  assert.ok(Object.keys(report.kernels).length >= 4)
  assert.ok(Object.values(report.kernels).every((name) => name === backend().name))
})

test('without the addon wasm is taken, and the report says why', () => {
  const { name, report } = choiceIn({ MYRMEX_BACKEND: '', ...nowhere })
  assert.equal(name, 'wasm')
  assert.equal(report.forced, false)
  assert.match(report.refused.native ?? '', /\/nowhere\/myrmex\.node/)
  assert.match(report.refused.native ?? '', /build:native/)
})

test('with the addon it is taken', { skip: nativeMissing }, () => {
  const { name, report } = choiceIn({ MYRMEX_BACKEND: '' })
  assert.equal(name, 'native')
  assert.deepEqual(report.refused, {})
})

for (const name of ['wasm', 'js'] as const) {
  test(`MYRMEX_BACKEND=${name} forces it`, () => {
    const answer = choiceIn({ MYRMEX_BACKEND: name })
    assert.equal(answer.name, name)
    assert.equal(answer.report.forced, true)
  })
}

test('a forced backend that is missing is an error, never another backend', () => {
  const { name, code, message, report } = choiceIn({ MYRMEX_BACKEND: 'native', ...nowhere })
  assert.equal(name, undefined)
  assert.equal(code, 'CRYPTO_BACKEND_MISSING')
  assert.match(message ?? '', /MYRMEX_BACKEND asks for native/)
  assert.equal(report.name, undefined)
  assert.equal(report.forced, true)
})

test('a name that does not exist is refused with those that do', () => {
  const { code, message } = choiceIn({ MYRMEX_BACKEND: 'fast' })
  assert.equal(code, 'CRYPTO_BACKEND_MISSING')
  assert.match(message ?? '', /"fast".*native, wasm, js/)
})
