import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SimClock } from '../../../src/sim/index.ts'
import { chargeOf, type Reservation, Space } from '../../../src/storage/space.ts'

type Granted = Extract<Reservation, { kind: 'granted' }>

function newSpace(free: number, reserveBytes = 0) {
  const clock = new SimClock()
  const disk = { free, measured: 0, broken: false }
  const measure = async () => {
    disk.measured++
    if (disk.broken) throw new Error('no such device')
    return disk.free
  }
  return { disk, clock, space: new Space({ clock, measure }, { reserveBytes, maxAgeMs: 5000 }) }
}

test('a charge is whole blocks and one more', () => {
  assert.deepEqual([0, 1, 4096, 4097, 4_194_304].map(chargeOf), [4096, 8192, 8192, 12_288, 4_198_400])
})

test('admitted up to the reserve, to the byte', async () => {
  const charge = chargeOf(100)
  assert.equal(await newSpace(1000 + charge, 1000).space.admits(100), 'writable')
  assert.equal(await newSpace(999 + charge, 1000).space.admits(100), 'full')
})

test('what is being written counts at once, what failed is given back', async () => {
  const { space } = newSpace(2 * chargeOf(100))
  const first = (await space.reserve(100)) as Granted
  const second = (await space.reserve(100)) as Granted
  assert.deepEqual([first.kind, second.kind], ['granted', 'granted'])
  assert.equal((await space.reserve(100)).kind, 'full')
  second.end(false)
  assert.equal((await space.reserve(100)).kind, 'granted')
})

test('requests that come together are decided one after the other', async () => {
  const { space } = newSpace(3 * chargeOf(100))
  const kinds = (await Promise.all(Array.from({ length: 9 }, () => space.reserve(100)))).map(({ kind }) => kind)
  assert.equal(kinds.filter((kind) => kind === 'granted').length, 3)
})

test('a passing figure is trusted for 5 s and lowered by what was written; a failing one is asked again', async () => {
  const { space, disk, clock } = newSpace(2 * chargeOf(100))
  ;((await space.reserve(100)) as Granted).end(true)
  assert.equal(await space.admits(100), 'writable')
  assert.equal(disk.measured, 1)
  ;((await space.reserve(100)) as Granted).end(true)
  assert.equal(disk.measured, 1)
  disk.free = chargeOf(100)
  assert.equal(await space.admits(100), 'writable', 'the failing figure is measured again and passes')
  assert.equal(disk.measured, 2)
  clock.moveTo(4999)
  await space.admits(100)
  assert.equal(disk.measured, 2)
  clock.moveTo(5000)
  await space.admits(100)
  assert.equal(disk.measured, 3)
})

test('unknown free space is neither full nor writable', async () => {
  const { space, disk } = newSpace(1e9)
  disk.broken = true
  assert.equal(await space.admits(1), 'unknown')
  assert.equal((await space.reserve(1)).kind, 'unknown')
  disk.broken = false
  assert.equal(await space.admits(1), 'writable')
})
