import assert from 'node:assert/strict'
import { join, relative, sep } from 'node:path'
import { test } from 'node:test'
import { UsageError } from '../../../bench/arguments.ts'
import { builtProgram, nodeCommand, programName } from '../../../bench/node-program.ts'

const ROOT = join(import.meta.dirname, '../../..')
const SOURCES = join(ROOT, 'src/cli/main.ts')
// Any file of the tree will do.
const BUILT = join(ROOT, 'bin/myrmex.mjs')

test('nodes run what was asked for, the sources without it', () => {
  assert.deepEqual(nodeCommand(builtProgram(undefined)), [process.execPath, SOURCES])
  assert.deepEqual(nodeCommand(builtProgram(BUILT)), [process.execPath, BUILT])
})

test('reports tell it by its place in the tree; naming the sources is the same as naming nothing', () => {
  assert.equal(programName(builtProgram(BUILT)), 'bin/myrmex.mjs')
  assert.equal(programName(builtProgram(SOURCES)), 'sources')
  assert.equal(programName(undefined), 'sources')
})

test('a program that is not there is told before anything runs', () => {
  const missing = relative(process.cwd(), join(ROOT, 'dist', `none${sep}main.js`))
  assert.throws(() => builtProgram(missing), UsageError)
})
