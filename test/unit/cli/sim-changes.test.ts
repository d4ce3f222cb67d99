/** What figures of the command line make of a scenario, and the command that says them again. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { changed, commandOf } from '../../../src/cli/sim/changes.ts'
import { parseScenario } from '../../../src/scenario/index.ts'

const NONE = { seed: undefined, nodes: undefined, hours: undefined }
const DAY = parseScenario(`
  nodes 100
  run 24 h
  at 1 h kill 3
  at 2 h kill 4
  from 0 s to 24 h churn 30 % per hour
  expect lost = 0
  expect copies >= 7 within 60 s of 1 h
  expect copies >= 7 within 60 s of 2 h
`)

test('nothing changed is the very same; what has no place in a shorter run is named', () => {
  assert.equal(changed(DAY, NONE).scenario, DAY)
  const { scenario, leftOut } = changed(DAY, { ...NONE, hours: '2', seed: 9 })
  assert.deepEqual([scenario.seed, scenario.runMs, scenario.events.length], [9, 7_200_000, 2])
  assert.deepEqual(leftOut, ['at 2 h kill 4: after the end', 'expect copies >= 7 within 1 min of 2 h: after the end'])
})

test('churn that replaces nobody in fewer nodes or less time is left out, with the reason', () => {
  const { scenario, leftOut } = changed(DAY, { ...NONE, hours: '0.01' })
  assert.deepEqual(scenario.events, [])
  assert.match(leftOut[2] ?? '', /^from 0 ms to 36 s churn 30 % per hour: this replaces nobody: /)
  const few = changed(parseScenario('nodes 100\nfrom 1 min to 2 min churn 60 % per hour'), { ...NONE, nodes: 20 })
  assert.deepEqual([few.scenario.events, few.leftOut.length], [[], 1])
})

test('a duration with too many questions is refused', () => {
  const asking = parseScenario('run 1 h\ngets 10000 per min')
  assert.throws(() => changed(asking, { ...NONE, hours: '8000' }), { code: 'CLI_USAGE', message: /gets in 8000 h/ })
  assert.throws(() => changed(asking, { ...NONE, hours: 'x' }), { code: 'CLI_USAGE', message: /--hours takes/ })
})

test('a command runs the same again, whatever the file is called', () => {
  const scenario = { ...DAY, seed: 3 }
  assert.equal(commandOf('a-day', NONE, scenario), 'myrmex sim a-day --seed 3')
  assert.equal(
    commandOf("./it's mine.sim", { seed: 3, nodes: 20, hours: '0.5' }, scenario),
    "myrmex sim './it'\\''s mine.sim' --seed 3 --nodes 20 --hours 0.5",
  )
})
