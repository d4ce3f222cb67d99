/** Each event of a scenario does to the network what its word says, and undoes it at its end. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseScenario, type ScenarioEvent, type Span } from '../../src/scenario/index.ts'
import { Asks } from '../../src/scenario/run/asks.ts'
import { copiesOn } from '../../src/scenario/run/chunk-files.ts'
import { Happenings } from '../../src/scenario/run/events.ts'
import { Probe } from '../../src/scenario/run/probe.ts'
import { Town } from '../../src/scenario/run/town.ts'

const SEED = Number(process.env['SIM_SEED'] ?? 3)
const NODES = 10

async function townOf(more = '') {
  const town = new Town(parseScenario(`nodes ${NODES}\nseed ${SEED}\nchunks 20 of 100 B placed\nrun 10 min\n${more}`))
  await town.found()
  const happenings = new Happenings(town)
  const probe = new Probe(town, new Asks(town, await town.net.connectClient('people')))
  const event = (line: string) => parseScenario(`run 10 min\n${line}`).events[0] as ScenarioEvent
  return {
    ...{ town, probe, net: town.net, network: town.net.world.network },
    moment: (line: string) => happenings.moment(event(`at 0 s ${line}`) as never),
    span: (line: string) => {
      const span = event(`from 0 s to 1 s ${line}`) as Span
      happenings.begin(span)
      return () => happenings.end(span)
    },
  }
}

test(`machines: kill, restart, replace and join (SIM_SEED=${SEED})`, async () => {
  const { town, net, moment } = await townOf()
  const before = new Set(net.nodes)
  moment('kill 3')
  assert.equal(town.live.length, NODES - 3)
  moment('restart 2')
  await net.world.advance(20_000)
  assert.equal(town.live.length, NODES - 1)
  assert.ok(town.live.every((node) => before.has(node) && node.store.size > 0))
  moment('replace 50 %')
  moment('join 2')
  await net.world.advance(60_000)
  const fresh = town.live.filter((node) => !before.has(node))
  assert.equal(fresh.length, 5 + 2, `seed ${SEED}`)
  assert.ok(fresh.every((node) => node.tableSize() > 0))
  assert.equal(net.nodes.length, NODES + 2, 'the dead one is still there, those that were replaced are not')
  assert.deepEqual(town.notes, [])
  await net.stop()
})

test(`the wire: partition, one-way, loss (SIM_SEED=${SEED})`, async () => {
  const { town, net, network, span } = await townOf()
  const hosts = net.nodes.map(({ host }) => host)
  const broken = (passes: 'passes' | 'dialPasses') =>
    hosts.flatMap((a) => hosts.filter((b) => a !== b && !network[passes](a, b))).length
  assert.equal(broken('dialPasses'), 0)
  const heal = span('partition 30 %')
  const late = span('partition 20 %')
  assert.ok(broken('passes') >= 2 * 3 * 7, 'two islands')
  late()
  assert.equal(broken('passes'), 2 * 3 * 7, 'one is healed, the other is not')
  heal()
  assert.equal(broken('passes'), 0)
  const open = span('one-way 50 %')
  const blocked = broken('dialPasses')
  assert.ok(blocked > 20 && blocked < 70, `seed ${SEED}: ${blocked} of 90`)
  assert.equal(broken('passes'), 0)
  open()
  assert.equal(broken('dialPasses'), 0)
  span('loss 50 %')()
  assert.equal(town.live.length, NODES)
  await net.stop()
})

test(`disks: full, sick, unplugged, rotten (SIM_SEED=${SEED})`, async () => {
  const { town, net, probe, moment, span } = await townOf('full 10 %')
  const states = async () => {
    // A disk's state is found out by use.
    await net.world.run(() => Promise.all(net.nodes.map(({ store }) => store.capacity())))
    const disks = town.net.nodes.map(({ store }) => store.disk)
    return (state: string) => disks.filter((disk) => disk === state).length
  }
  const full = span('full 30 %')
  assert.ok(net.nodes.filter((node) => town.roleOf(node).full).length >= 3)
  const capacities = await net.world.run(() => Promise.all(net.nodes.map(({ store }) => store.capacity())))
  assert.ok(capacities.filter((capacity) => capacity === 'full').length >= 3, `seed ${SEED}: ${capacities}`)
  full()
  const plug = span('disks 20 % unplugged')
  await net.world.advance(20_000)
  await states()
  plug()
  await net.world.advance(120_000)
  const count = await states()
  assert.equal(count('gone'), 0, `seed ${SEED}`)
  const before = probe.copies()
  const copies = town.net.nodes.reduce((sum, { store }) => sum + store.size, 0)
  moment('rot 50 %')
  const right = () => net.nodes.reduce((sum, node) => sum + [...copiesOn(node)].length, 0)
  assert.equal(copies - right(), Math.round(copies / 2))
  assert.ok(probe.copies().median < before.median, 'a rotten copy is none')
  await net.world.run(async () => {
    for (const node of net.nodes) for (const address of [...node.store.keys()]) await node.checkChunk(address)
  })
  await net.world.advance(60_000)
  assert.ok(probe.copies().fewest >= 6, `seed ${SEED}: ${JSON.stringify(probe.copies())}`)
  await net.stop()
})

test(`what cannot be read now is no copy: sick and absent disks, rot that outlasts them (SIM_SEED=${SEED})`, async () => {
  const { net, probe, moment, span } = await townOf()
  for (const fault of ['everything', 'reads', 'unplugged']) {
    const { fewest } = probe.copies()
    const mend = span(`disks 100 % ${fault}`)
    assert.equal(probe.copies().lost, 20, fault)
    mend()
    assert.equal(probe.copies().fewest, fewest, `${fault} is over`)
  }
  for (const fault of ['writes', 'read-only']) {
    const mend = span(`disks 100 % ${fault}`)
    assert.equal(probe.copies().lost, 0, `${fault}: what lies there is read`)
    mend()
  }
  moment('rot 100 %')
  assert.equal(probe.copies().lost, 20)
  const plug = span('disks 100 % unplugged')
  probe.copies()
  plug()
  assert.equal(probe.copies().lost, 20, 'an unplugging makes nothing right')
  await net.stop()
})

test(`spans of one kind overlap: what goes on is the worst of them, to the end of the last (SIM_SEED=${SEED})`, async () => {
  const { net, network, span } = await townOf()
  const disks = net.nodes.map(({ disk }) => disk)
  const refused = (what: 'list' | 'freeBytes' | 'makeDirectory') =>
    net.world.run(async () => {
      const tried = await Promise.allSettled(
        disks.map((disk, i) => disk[what](what === 'makeDirectory' ? `/new/${i}` : '/node')),
      )
      return tried.filter(({ status }) => status === 'rejected').length
    })
  const everything = span('disks 100 % everything')
  span('disks 50 % everything')()
  assert.equal(await refused('list'), NODES, 'the shorter one mends nothing')
  everything()
  assert.equal(await refused('list'), 0)
  const [reads, writes] = [span('disks 100 % reads'), span('disks 100 % writes')]
  assert.deepEqual([await refused('list'), await refused('makeDirectory')], [NODES, NODES])
  reads()
  assert.deepEqual([await refused('list'), await refused('makeDirectory')], [0, NODES])
  writes()
  const [plug, short] = [span('disks 100 % unplugged'), span('disks 100 % unplugged')]
  short()
  assert.ok(disks.every(({ unplugged }) => unplugged))
  plug()
  assert.ok(
    disks.every((disk) => !disk.unplugged && disk.files().size > 0),
    'what lies on them is there again',
  )

  const [full, half] = [span('full 100 %'), span('full 50 %')]
  full()
  assert.equal(disks.filter(({ capacityBytes }) => capacityBytes < Number.MAX_SAFE_INTEGER).length, NODES / 2)
  half()
  assert.ok(disks.every(({ capacityBytes }) => capacityBytes === Number.MAX_SAFE_INTEGER))

  const hosts = net.nodes.map(({ host }) => host)
  const blocked = () => hosts.flatMap((a) => hosts.filter((b) => a !== b && !network.dialPasses(a, b))).length
  const [all, some] = [span('one-way 100 %'), span('one-way 20 %')]
  all()
  assert.ok(blocked() > 0 && blocked() < 50, `seed ${SEED}: ${blocked()} of 90`)
  some()
  assert.equal(blocked(), 0)

  const [from, to] = hosts as [(typeof hosts)[0], (typeof hosts)[0]]
  const late = () => {
    const ways = Array.from({ length: 400 }, () => network.travelMs(from, to, 100))
    return ways.filter((ms) => ms > 1.5 * Math.min(...ways)).length
  }
  const [heavy, light] = [span('loss 50 %'), span('loss 10 %')]
  const worst = late()
  heavy()
  assert.ok(late() > 20 && late() < worst / 2, `seed ${SEED}: ${late()} and ${worst} of 400 came late`)
  light()
  assert.ok(late() < 10)
  await net.stop()
})

test(`a restart mends no disk: the machine is off until one after the repair (SIM_SEED=${SEED})`, async () => {
  const { town, net, moment, span } = await townOf()
  const mend = span('disks 100 % everything')
  moment('kill 2')
  moment('restart all')
  await net.world.advance(60_000)
  assert.equal(town.live.length, NODES - 2)
  assert.equal(town.notes.length, 2)
  for (const note of town.notes) assert.match(note, /^node \d+ did not come back: /)
  mend()
  moment('restart all')
  await net.world.advance(60_000)
  assert.ok(town.live.length === NODES && town.notes.length === 2)
  assert.ok(town.live.every(({ store }) => store.size > 0 && store.disk === 'writable'))
  await net.stop()
})

test(`liars count for nothing, whatever they hold (SIM_SEED=${SEED})`, async () => {
  const { town, probe } = await townOf('liars 40 % corrupts')
  const liars = town.live.filter((node) => town.roleOf(node).lie === 'corrupts')
  assert.equal(liars.length, 4)
  assert.ok(liars.every(({ store }) => store.size > 0))
  assert.ok(town.net.nodes.slice(0, 3).every((node) => town.roleOf(node).lie === undefined))
  assert.ok(probe.copies().most <= NODES - 4)
  await town.net.stop()
})

test(`of chunks that are lost it is told how (SIM_SEED=${SEED})`, async () => {
  const { town, probe, net, moment } = await townOf()
  probe.sample(0)
  assert.deepEqual(town.notes, [])
  moment('replace 100 %')
  probe.sample(3_600_000)
  assert.equal(town.notes.length, 5, 'five of twenty')
  const told =
    /^chunk [0-9a-f]{16} had no copy at 1\.00 h; copies of the last samples: [78], 0; its 7 nearest are (0, ){6}0 s old, 7 of them have not caught up, 0 have keys to verify or fetch; 0 of the 10 nearest list it as paid$/
  for (const note of town.notes) assert.match(note, told)
  await net.stop()
})

test(`bytes that go out with offers are counted, whatever becomes of their memory (SIM_SEED=${SEED})`, async () => {
  const [count, bytes] = [4, 100_000]
  const town = new Town(parseScenario(`nodes ${NODES}\nseed ${SEED}\nchunks ${count} of ${bytes} B put\nrun 10 min`))
  await town.found()
  // Four of the seven have them from the client.
  const { freshBytes } = town.traffic.read()
  assert.ok(freshBytes >= 3 * count * bytes, `seed ${SEED}: ${freshBytes}`)
  await town.net.stop()
})
