import assert from 'node:assert/strict'
import { test } from 'node:test'
import { LaneGate, type LaneLimits, type LaneTable, never } from '../../../src/base/index.ts'
import { SimClock } from '../../../src/sim/index.ts'

const LIMITS: LaneLimits = {
  ...{ waiting: 2, load: 10, ownerLoad: 10, holdMs: 1000, presses: true, patienceMs: 5000, share: 0 },
}
type Lane = 'read' | 'copy'
const TABLE: LaneTable<Lane> = {
  restMs: 0,
  calmMs: 0,
  lanes: { read: { ...LIMITS, load: Number.POSITIVE_INFINITY, patienceMs: 0 }, copy: LIMITS },
}

function scene() {
  const clock = new SimClock()
  const told = new Map<Lane, string>()
  const changed = (lane: Lane, { waiting, moving }: { waiting: number; moving: number }) =>
    told.set(lane, `${waiting}/${moving}`)
  const gate = new LaneGate<Lane>({ clock, changed }, TABLE)
  const log: string[] = []
  const enter = async (lane: Lane, name: string, owner = 'a', signal: AbortSignal = never) => {
    const leave = await gate.enter(lane, { weight: 8, owner }, signal)
    log.push(`${name} ${clock.monotonic()}`)
    return leave
  }
  return { clock, gate, enter, log, told }
}
const settled = () => new Promise(setImmediate)

test('who waits starts when a place is free, when its patience is over, or when the one before is slow', async () => {
  const { clock, enter, log, told } = scene()
  const first = await enter('copy', 'first')
  const read = await enter('read', 'read')
  const second = enter('copy', 'second', 'b')
  await settled()
  assert.deepEqual(
    [...told],
    [
      ['copy', '8/8'],
      ['read', '0/8'],
    ],
  )
  first()
  await settled()
  assert.deepEqual(log, ['first 0', 'read 0'], 'a read is on its way')
  // The read holds up copies for a second: it is slow by itself then.
  clock.fireNext()
  await settled()
  assert.equal(log.at(-1), 'second 1000')
  const third = enter('copy', 'third', 'c')
  clock.fireNext()
  await settled()
  assert.equal(log.at(-1), 'third 2000')
  for (const leave of [read, await second, await third]) leave()
  assert.deepEqual([told.get('copy'), told.get('read')], ['0/0', '0/0'])
  assert.equal(clock.pending, 0, 'no timer is left')
})

test('patience is measured by the clock', async () => {
  const { clock, gate, enter, log } = scene()
  const waiting = enter('copy', 'copy')
  const leaveCopy = await waiting
  const leave = new Set<() => void>()
  // Reads that never let go for long.
  for (let i = 0; i < 7; i++) {
    leave.add(await gate.enter('read', { weight: 1, owner: `${i}` }, never))
    if (i === 0) leaveCopy()
    if (i === 0) void enter('copy', 'late').then((done) => leave.add(done))
    let over = false
    clock.timer(900, () => (over = true))
    while (!over) {
      clock.fireNext()
      await settled()
    }
  }
  assert.deepEqual(log, ['copy 0', 'late 5000'])
  for (const done of leave) done()
  assert.equal(clock.pending, 0)
})

test('a full lane says so at once; an abort takes the place back, and the others go on', async () => {
  const { clock, gate, enter, log } = scene()
  const leave = await enter('copy', 'first')
  const { signal, abort } = controller()
  const aborted = enter('copy', 'second', 'a', signal)
  const third = enter('copy', 'third')
  await assert.rejects(enter('copy', 'fourth'), { code: 'LANE_FULL' })
  abort(new Error('enough'))
  await assert.rejects(aborted, /enough/)
  await assert.rejects(enter('copy', 'never', 'a', signal), /enough/)
  leave()
  leave()
  ;(await third)()
  assert.deepEqual(log, ['first 0', 'third 0'])
  assert.deepEqual(gate.figures('copy'), { waiting: 0, moving: 0 })
  assert.equal(clock.pending, 0)
})

function controller() {
  const made = new AbortController()
  return { signal: made.signal, abort: (reason: Error) => made.abort(reason) }
}
