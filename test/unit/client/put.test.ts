import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { isNew, StoreChunk } from '../../../src/client/store-chunk.ts'
import type { PeerId } from '../../../src/protocol/index.ts'
import { addressOf, type Fault, World } from './world.ts'

const content = new Uint8Array([1, 2, 3, 4])
const address = addressOf(content)

describe('the put walk', () => {
  it('stores at the 4 nearest and returns at 4 acks', async () => {
    const world = new World({ peers: 30 })
    const result = await world.run((client) => client.putChunk(content))
    assert.deepEqual(result, { address, stored: 'new', acks: 4 })
    assert.deepEqual(
      new Set(world.holders(address)),
      new Set(world.near(address).slice(0, 4)),
      'exactly the nearest four hold it',
    )
    assert.deepEqual(world.payments, [[address]])
  })

  it('says that a chunk existed when the network had it', async () => {
    const world = new World({ peers: 30 })
    await world.run((client) => client.putChunk(content))
    assert.equal((await world.run((client) => client.putChunk(content))).stored, 'existing')
  })

  const failures: { name: string; faults: Fault[]; promoted: number }[] = [
    { name: 'a full peer', faults: [{ kind: 'full' }], promoted: 1 },
    { name: 'three full peers', faults: [{ kind: 'full' }, { kind: 'full' }, { kind: 'full' }], promoted: 3 },
    { name: 'a silent peer', faults: [{ kind: 'silent' }], promoted: 1 },
    { name: 'a peer that wants money', faults: [{ kind: 'unpaid' }], promoted: 1 },
    { name: 'an acknowledgement for another address', faults: [{ kind: 'wrongAddress' }], promoted: 1 },
    { name: 'an answer of another kind', faults: [{ kind: 'wrongBody' }], promoted: 1 },
    { name: 'an internal error', faults: [{ kind: 'refusing' }], promoted: 1 },
    { name: 'a peer as slow as may be', faults: [{ kind: 'late', ms: 2_000 }], promoted: 0 },
    { name: 'a slow peer', faults: [{ kind: 'late', ms: 5_000 }], promoted: 1 },
    { name: 'a peer slower than the response wait', faults: [{ kind: 'late', ms: 11_000 }], promoted: 1 },
  ]
  for (const { name, faults, promoted } of failures) {
    it(`${name} promotes ${promoted} further target(s) and is paid for once`, async () => {
      const world = new World({ peers: 30 })
      const near = world.near(address)
      for (const [i, fault] of faults.entries()) (near[i] as (typeof near)[0]).fault = fault
      const result = await world.run((client) => client.putChunk(content))
      assert.equal(result.acks, 4)
      const asked = near.filter(({ received }) => received.length > 0)
      assert.equal(asked.length, 4 + promoted)
      assert.equal(world.payments.length, 1)
      assert.equal(world.lookups, 1, 'one walk was enough')
    })
  }

  it('does not wait for a peer that is late, asks it after the others next time, and forgives it when it answers', async () => {
    const world = new World({ peers: 30 })
    const near = world.near(address)
    ;(near[1] as (typeof near)[0]).fault = { kind: 'silent' }
    await world.run((client) => client.putChunk(content))
    assert.ok(world.clock.monotonic() < 2_500, `${world.clock.monotonic()} ms`)
    const others = near.filter((storer) => storer !== near[1])
    assert.deepEqual(new Set(world.holders(address)), new Set(others.slice(0, 4)))
    await world.run((client) => client.putChunk(content))
    assert.equal(near[1]?.received.length, 1, 'there are enough others')
    ;(near[1] as (typeof near)[0]).fault = undefined
    await world.pump.advance(30_000)
    await world.run((client) => client.putChunk(content))
    assert.equal(near[1]?.received.length, 2)
  })

  it('what a late peer confirms counts, and no more peers are asked than there are acks missing', async () => {
    const world = new World({ peers: 30 })
    const near = world.near(address)
    for (const storer of near.slice(1, 4)) storer.fault = { kind: 'late', ms: 3_000 }
    for (const storer of near.slice(4, 7)) storer.fault = { kind: 'late', ms: 8_000 }
    const { acks } = await world.run((client) => client.putChunk(content))
    assert.equal(acks, 4)
    assert.ok(world.clock.monotonic() < 3_500, `${world.clock.monotonic()} ms`)
    assert.equal(near.filter(({ received }) => received.length > 0).length, 7)
  })

  it('a slow line makes all peers slow and nobody late, even when one is next door', () => {
    const peers = world20()
    const machine = new StoreChunk(peers, 4, LATE)
    const [first, ...others] = machine.asks(0) as [PeerId, ...PeerId[]]
    machine.onDelivered(first, 20)
    machine.onOutcome(first, { kind: 'stored' }, 30)
    assert.deepEqual([machine.asks(60_000), machine.lateAt], [[], undefined])
    for (const peer of others) machine.onDelivered(peer, 70_000)
    assert.deepEqual(machine.asks(72_000), [])
    assert.equal(machine.lateAt, 72_040)
  })

  it('a peer that takes the chunk drop by drop is late by what two others took', () => {
    const machine = new StoreChunk(world20(), 4, LATE)
    const [a, b, ...slow] = machine.asks(0) as [PeerId, PeerId, ...PeerId[]]
    machine.onDelivered(a, 100)
    assert.equal(machine.lateAt, undefined, 'one may be quick')
    machine.onDelivered(b, 500)
    assert.equal(machine.lateAt, 12_000)
    for (const peer of [a, b]) machine.onOutcome(peer, { kind: 'stored' }, 600)
    assert.equal(machine.asks(12_000).length, slow.length)
    assert.deepEqual([...machine.late], slow)
    for (const peer of slow) machine.onOutcome(peer, { kind: 'stored' }, 13_000)
    assert.deepEqual([machine.end(), machine.acks.size], [{ kind: 'stored' }, 4])
  })

  it('when all are busy no more than four are replaced', () => {
    const machine = new StoreChunk(world20(), 4, LATE)
    let asked = 0
    for (let now = 0; now < 60_000; now += 1000) {
      for (const peer of machine.asks(now)) {
        machine.onDelivered(peer, now)
        if (asked++ === 0) machine.onOutcome(peer, { kind: 'stored' }, now)
      }
    }
    assert.equal(asked, 4 + 4)
  })

  it('a copy that turns up after an answer was lost is ours', async () => {
    const world = new World({ peers: 4 })
    for (const storer of world.storers) storer.fault = { kind: 'silent' }
    setTimer(world, 5_000, () => {
      // The answer of the first is lost, and what it stored it has passed on to all.
      for (const storer of world.storers) {
        storer.chunks.set(address, content)
        storer.fault = undefined
      }
    })
    assert.deepEqual(await world.run((client) => client.putChunk(content)), { address, stored: 'new', acks: 4 })
  })

  it('a late answer of a peer that timed out is dropped', async () => {
    const world = new World({ peers: 30 })
    ;(world.near(address)[0] as { fault: Fault | undefined }).fault = { kind: 'late', ms: 15_000 }
    await world.run((client) => client.putChunk(content))
    await world.pump.advance(20_000)
    assert.equal((await world.run((client) => client.putChunk(content))).acks, 4)
  })

  it('works with 5 of 8 peers left', async () => {
    const world = new World({ peers: 8 })
    for (const storer of world.near(address).slice(0, 3)) storer.fault = { kind: 'dead' }
    assert.equal((await world.run((client) => client.putChunk(content))).acks, 4)
  })

  it('with fewer peers than 4 all of them must confirm, at once when nobody else is known', async () => {
    for (const peers of [1, 2, 3]) {
      const world = new World({ peers })
      assert.equal((await world.run((client) => client.putChunk(content))).acks, peers)
      assert.ok(world.clock.monotonic() < 500, 'no retry was needed')
    }
  })

  it('a busy network that shows 3 of 10 peers is asked again before the put settles for less', async () => {
    const world = new World({ peers: 10 })
    world.visible = 3
    setVisible(world, 10, 700)
    assert.equal((await world.run((client) => client.putChunk(content))).acks, 4)
    assert.equal(world.holders(address).length, 4)
  })

  it('dead peers in the table do not stop a network of 3', async () => {
    const world = new World({ peers: 8 })
    for (const storer of world.storers.slice(0, 5)) storer.fault = { kind: 'dead' }
    assert.equal((await world.run((client) => client.putChunk(content))).acks, 3)
  })

  it('walks again after 0.5, 1 and 2 s when lookups fail, and pays once', async () => {
    const world = new World({ peers: 10, lookupMs: 0 })
    world.failingLookups = 6
    assert.equal((await world.run((client) => client.putChunk(content))).acks, 4)
    assert.ok(world.clock.monotonic() >= 1500 && world.clock.monotonic() < 1600)
    assert.equal(world.payments.length, 1)
  })

  it('acks of an earlier walk count in the next one', async () => {
    const world = new World({ peers: 5 })
    const near = world.near(address)
    for (const storer of near.slice(0, 2)) storer.fault = { kind: 'silent' }
    setTimer(world, 15_000, () => {
      for (const storer of near) storer.fault = undefined
    })
    const result = await world.run((client) => client.putChunk(content))
    assert.equal(result.acks, 4)
    for (const storer of near.slice(2))
      assert.equal(storer.received.length, 1, 'a peer that confirmed is not asked again')
    assert.equal(world.payments.length, 1)
  })

  const ends: { name: string; fault: Fault; code: string; walks: number }[] = [
    { name: 'all full', fault: { kind: 'full' }, code: 'CLIENT_REFUSED', walks: 4 },
    { name: 'all silent', fault: { kind: 'silent' }, code: 'CLIENT_INSUFFICIENT_PEERS', walks: 4 },
    { name: 'all unpaid', fault: { kind: 'unpaid' }, code: 'CLIENT_PAYMENT_REFUSED', walks: 1 },
    { name: 'all dead', fault: { kind: 'dead' }, code: 'CLIENT_INSUFFICIENT_PEERS', walks: 4 },
  ]
  for (const { name, fault, code, walks } of ends) {
    it(`${name}: ${code}`, async () => {
      const world = new World({ peers: 7, options: { closeGroupWidth: 7 } })
      for (const storer of world.storers) storer.fault = fault
      await assert.rejects(
        world.run((client) => client.putChunk(content)),
        { code },
      )
      const asked = Math.max(...world.storers.map(({ received }) => received.length))
      assert.equal(asked, fault.kind === 'dead' ? 0 : walks)
      assert.ok(world.payments.length <= 1)
    })
  }

  it('refuses more than 4 MiB before anything is sent', async () => {
    const world = new World({ peers: 4 })
    await assert.rejects(
      world.run((client) => client.putChunk(new Uint8Array(4 * 1024 * 1024 + 1))),
      { code: 'CLIENT_CHUNK_TOO_LARGE' },
    )
    assert.equal(world.lookups, 0)
  })

  it('cancelling ends the call and frees everything', async () => {
    const world = new World({ peers: 8 })
    for (const storer of world.storers) storer.fault = { kind: 'silent' }
    const controller = new AbortController()
    setTimer(world, 1000, () => controller.abort())
    await assert.rejects(
      world.run((client) => client.putChunk(content, { signal: controller.signal })),
      { code: 'CLIENT_CANCELLED' },
    )
    assert.equal(world.clock.pending, 0, 'no timer is left')
  })

  it('stop ends running calls with CLIENT_STOPPED and gives the topic back', async () => {
    const world = new World({ peers: 8 })
    for (const storer of world.storers) storer.fault = { kind: 'silent' }
    setTimer(world, 1000, () => void world.client.stop())
    await assert.rejects(
      world.run((client) => client.putChunk(content)),
      { code: 'CLIENT_STOPPED' },
    )
    assert.equal(world.handling, false)
    await assert.rejects(world.client.putChunk(content), { code: 'CLIENT_STOPPED' })
  })

  it('hostile messages on the topic are dropped', async () => {
    const world = new World({ peers: 8 })
    await world.run(async (client) => {
      for (const bytes of [[], [255], [0, 99], [0, 1, 0, 1]]) world.reply(world.storers[0]!.peer, new Uint8Array(bytes))
      return client.putChunk(content)
    })
  })
})

describe('new or existing', () => {
  const cases: [string, boolean][] = [
    ['ssss', true],
    ['ssse', true],
    ['seee', true],
    ['eeee', false],
    ['esss', false],
    ['s', true],
    ['e', false],
  ]
  for (const [acks, expected] of cases) {
    it(`${acks} is ${expected ? 'new' : 'existing'}`, () => {
      const map = new Map(
        [...acks].map((ack, i) => [String(i) as PeerId, ack === 's' ? 'stored' : 'existing'] as const),
      )
      assert.equal(isNew(map), expected)
    })
  }
})

const LATE = { putLateMs: 2000, putStuckMs: 10_000, putLateFactor: 4 }
function world20(): PeerId[] {
  return new World({ peers: 20 }).storers.map(({ peer }) => peer)
}

function setTimer(world: World, ms: number, action: () => void): void {
  world.clock.timer(ms, action)
}

function setVisible(world: World, count: number, atMs: number): void {
  setTimer(world, atMs, () => {
    world.visible = count
  })
}
