import assert from 'node:assert/strict'
import { test } from 'node:test'
import { never, type Timer } from '../../../src/base/index.ts'
import { BurstMeter, collectGarbage, IdleMemory } from '../../../src/node/idle-memory.ts'

test('a burst is over when the process hardly works any more, and counts once', () => {
  const meter = new BurstMeter()
  assert.equal(meter.isOver(2000), false, 'at work')
  assert.equal(meter.isOver(9000), false, 'still at work')
  assert.equal(meter.isOver(9010), true)
  meter.collected(9040)
  assert.equal(meter.isOver(9041), false, 'nothing since')
  assert.equal(meter.isOver(9260), false, 'at work again')
  assert.equal(meter.isOver(9280), false, 'too little to be worth it')
  assert.equal(meter.isOver(9600), false)
  assert.equal(meter.isOver(9600), true, 'small pieces add up')
})

test('what nobody holds is collected, and gc stays hidden', async () => {
  const held = new WeakRef(new Uint8Array(1024))
  // A reference that was just made or read lives until the end of the job.
  await new Promise((resolve) => setImmediate(resolve))
  collectGarbage()
  assert.equal(held.deref(), undefined)
  assert.equal(process.getBuiltinModule('node:vm').runInNewContext('typeof gc'), 'undefined')
})

test('the nodes of a process share one watch, which ends with the last of them', async () => {
  const pending = new Set<() => void>()
  let [cpu, collections] = [0, 0]
  const timer = (_ms: number, callback: () => void): Timer => {
    const run = () => {
      pending.delete(run)
      callback()
    }
    pending.add(run)
    return { cancel: () => void pending.delete(run) }
  }
  const look = () => {
    assert.equal(pending.size, 1)
    for (const run of [...pending]) run()
  }
  const memory = new IdleMemory(
    { timer } as never,
    () => cpu,
    () => {
      collections++
      cpu += 20
    },
  )
  const [a, b] = [memory.user(), memory.user()]
  await a.start(never)
  await a.start(never)
  await b.start(never)
  cpu = 5000
  look()
  assert.equal(collections, 0)
  look()
  assert.equal(collections, 1)
  look()
  assert.equal(collections, 1)
  await a.stop()
  await a.stop()
  assert.equal(pending.size, 1)
  await b.stop()
  assert.equal(pending.size, 0)
  await b.start(never)
  assert.equal(pending.size, 1)
  await b.stop()
})
