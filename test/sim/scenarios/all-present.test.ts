/** Every scenario of replication.md 27 has a test of its number here, once. */
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'

const SCENARIOS = 56
const TEST = /^\s*test\(\s*['"`]scenario (\d+): /gm

function numbersIn(text: string): number[] {
  return [...text.matchAll(TEST)].map(([, number]) => Number(number))
}

test('the scenarios 1 to 56 have a test each', () => {
  const files = readdirSync(import.meta.dirname).filter((name) => name.endsWith('.test.ts'))
  const found = files
    .flatMap((name) => numbersIn(readFileSync(join(import.meta.dirname, name), 'utf8')))
    .sort((a, b) => a - b)
  assert.deepEqual(
    found,
    Array.from({ length: SCENARIOS }, (_, index) => index + 1),
  )
})

test('a scenario that is missing, skipped or in a comment is noticed', () => {
  assert.deepEqual(numbersIn("test('scenario 3: a', () => {})\ntest(`scenario 56: b`, () => {})"), [3, 56])
  assert.deepEqual(numbersIn("// test('scenario 4: c')\ntest.skip('scenario 5: d')\ntest('a scenario 6: e')"), [])
})
