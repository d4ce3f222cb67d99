import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { CodedError } from '../../../src/base/index.ts'
import { addressOf, type Fault, World, type WorldOptions } from './world.ts'

const content = new Uint8Array([5, 6, 7, 8, 9])
const address = addressOf(content)

function worldWith(options: WorldOptions, holders: number): World {
  const world = new World(options)
  for (const storer of world.near(address).slice(0, holders)) storer.chunks.set(address, content)
  return world
}

function asked(world: World): number {
  return world.storers.filter(({ received }) => received.length > 0).length
}

describe('the get walk', () => {
  it('finds a chunk and its bytes are right', async () => {
    const world = worldWith({ peers: 30 }, 7)
    assert.deepEqual([...(await world.run((client) => client.getChunk(address)))], [...content])
  })

  it('asks while the lookup still runs', async () => {
    const world = worldWith({ peers: 30, lookupMs: 10_000 }, 7)
    await world.run((client) => client.getChunk(address))
    assert.ok(world.clock.monotonic() < 6000, 'did not wait for the end of the lookup')
  })

  it('never returns wrong bytes: liars are passed over and blamed', async () => {
    for (let seed = 1; seed <= 20; seed++) {
      const world = worldWith({ peers: 30, seed }, 7)
      const liars = world.near(address).slice(0, 6)
      for (const storer of liars) storer.fault = { kind: 'corrupt' }
      assert.deepEqual([...(await world.run((client) => client.getChunk(address)))], [...content], `seed ${seed}`)
      assert.ok(world.blamed.every((peer) => liars.some((liar) => liar.peer === peer)))
    }
  })

  it('only liars: CLIENT_CORRUPT, each asked once', async () => {
    const world = worldWith({ peers: 10 }, 10)
    for (const storer of world.storers) storer.fault = { kind: 'corrupt' }
    await assert.rejects(
      world.run((client) => client.getChunk(address)),
      { code: 'CLIENT_CORRUPT' },
    )
    assert.ok(world.storers.every(({ received }) => received.length === 1))
    assert.equal(world.blamed.length, 10)
  })

  it('one liar and nobody who has it is not "not found"', async () => {
    const world = worldWith({ peers: 10 }, 0)
    ;(world.storers[0] as { fault: Fault }).fault = { kind: 'corrupt' }
    await assert.rejects(
      world.run((client) => client.getChunk(address)),
      { code: 'CLIENT_CORRUPT' },
    )
  })

  it('a silent peer is hedged after 1 s, with 2 GETs in flight at most', async () => {
    for (let seed = 1; seed <= 20; seed++) {
      const world = worldWith({ peers: 8, seed }, 8)
      for (const storer of world.near(address).slice(0, 2)) storer.fault = { kind: 'silent' }
      await world.run((client) => client.getChunk(address))
      assert.ok(world.maxInFlight <= 2, `seed ${seed}`)
      assert.ok(world.clock.monotonic() < 12_000, `seed ${seed}: ${world.clock.monotonic()}`)
      assert.equal(world.clock.pending, 0, 'no timer is left')
    }
  })

  it('a peer that kept one read waiting is asked last in the next ones', async () => {
    const world = worldWith({ peers: 8 }, 8)
    const silent = world.near(address).slice(0, 2)
    for (const storer of silent) storer.fault = { kind: 'silent' }
    await world.run(async (client) => {
      while (silent.some(({ received }) => received.length === 0)) await client.getChunk(address)
    })
    const before = world.clock.monotonic()
    for (let i = 0; i < 10; i++) await world.run((client) => client.getChunk(address))
    assert.ok(world.clock.monotonic() - before < 10 * 200, 'ten fast reads')
    assert.ok(silent.every(({ received }) => received.length === 1))
  })

  it('the slower of two answers changes nothing', async () => {
    const world = worldWith({ peers: 8 }, 8)
    for (const storer of world.storers) storer.fault = { kind: 'late', ms: 1500 }
    await world.run((client) => client.getChunk(address))
    await world.pump.advance(10_000)
    assert.equal(world.maxInFlight, 2)
  })

  it('finds the one holder far from the closest seven', async () => {
    const world = new World({ peers: 40 })
    ;(world.near(address)[18] as World['storers'][0]).chunks.set(address, content)
    assert.equal((await world.run((client) => client.getChunk(address))).length, content.length)
  })

  it('a failed lookup does not stop the direct GETs', async () => {
    const plain = worldWith({ peers: 8 }, 8)
    const closestLocal = () => plain.near(address).map(({ peer }) => ({ peer, addresses: [] }))
    const lookup = () => Promise.reject(new CodedError('DHT_INSUFFICIENT_PEERS', 'no lookup now'))
    const world = new World({ peers: 8, deps: { dht: { ...plain.dht, lookup, closestLocal, tableSize: 8 } } })
    for (const storer of world.storers) storer.chunks.set(address, content)
    assert.equal((await world.run((c) => c.getChunk(address))).length, content.length)
  })

  it('works with 5 of 8 peers left', async () => {
    for (let seed = 1; seed <= 10; seed++) {
      const world = worldWith({ peers: 8, seed }, 4)
      for (const storer of world.near(address).slice(0, 3)) storer.fault = { kind: 'dead' }
      assert.equal((await world.run((client) => client.getChunk(address))).length, content.length, `seed ${seed}`)
    }
  })

  const absent: { name: string; peers: number; faults: Fault[]; code: string }[] = [
    { name: '8 peers', peers: 8, faults: [], code: 'CLIENT_NOT_FOUND' },
    { name: '30 peers', peers: 30, faults: [], code: 'CLIENT_NOT_FOUND' },
    { name: '3 peers', peers: 3, faults: [], code: 'CLIENT_NOT_FOUND' },
    {
      name: '8 peers of which 2 are dead',
      peers: 8,
      faults: [{ kind: 'dead' }, { kind: 'dead' }],
      code: 'CLIENT_NOT_FOUND',
    },
    {
      name: '8 peers of which 4 are dead',
      peers: 8,
      faults: [{ kind: 'dead' }, { kind: 'dead' }, { kind: 'dead' }, { kind: 'dead' }],
      code: 'CLIENT_INSUFFICIENT_PEERS',
    },
    { name: '8 peers of which 1 is silent', peers: 8, faults: [{ kind: 'silent' }], code: 'CLIENT_INSUFFICIENT_PEERS' },
    { name: '8 peers of which 1 refuses', peers: 8, faults: [{ kind: 'refusing' }], code: 'CLIENT_INSUFFICIENT_PEERS' },
    {
      name: '8 peers of which 1 talks nonsense',
      peers: 8,
      faults: [{ kind: 'wrongBody' }],
      code: 'CLIENT_INSUFFICIENT_PEERS',
    },
    { name: 'nobody', peers: 0, faults: [], code: 'CLIENT_INSUFFICIENT_PEERS' },
  ]
  for (const { name, peers, faults, code } of absent) {
    it(`an absent chunk on a network of ${name}: ${code}`, async () => {
      const world = new World({ peers })
      for (const [i, fault] of faults.entries()) (world.near(address)[i] as { fault: Fault }).fault = fault
      await assert.rejects(
        world.run((client) => client.getChunk(address)),
        { code },
      )
      assert.equal(world.lookups, code === 'CLIENT_NOT_FOUND' ? 1 : 2, 'sweeps')
      if (code === 'CLIENT_NOT_FOUND')
        assert.equal(asked(world), Math.min(peers - faults.length, 20), 'all that were heard of')
    })
  }

  it('a second sweep after 1 s finds what was away', async () => {
    const world = worldWith({ peers: 8 }, 8)
    for (const storer of world.storers) storer.fault = { kind: 'refusing' }
    world.clock.timer(900, () => {
      for (const storer of world.storers) storer.fault = undefined
    })
    await world.run((client) => client.getChunk(address))
    assert.equal(world.lookups, 2)
  })

  it('cancelling frees everything', async () => {
    const world = worldWith({ peers: 8 }, 8)
    for (const storer of world.storers) storer.fault = { kind: 'silent' }
    const controller = new AbortController()
    world.clock.timer(1500, () => controller.abort())
    await assert.rejects(
      world.run((client) => client.getChunk(address, { signal: controller.signal })),
      { code: 'CLIENT_CANCELLED' },
    )
    await world.pump.advance(50)
    assert.equal(world.clock.pending, 0, 'no timer is left')
  })

  it('the same seed gives the same run', async () => {
    const trace = async () => {
      const world = worldWith({ peers: 12, seed: 7 }, 3)
      for (const storer of world.near(address).slice(0, 2)) storer.fault = { kind: 'silent' }
      await world.run((client) => client.getChunk(address))
      return JSON.stringify(world.storers.map(({ peer, received }) => [peer, received]))
    }
    assert.equal(await trace(), await trace())
  })
})
