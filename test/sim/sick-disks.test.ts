/** Whole nodes whose disks are full, read-only, failing, away or rotten, on a virtual clock. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { never, seededRandom } from '../../src/base/index.ts'
import { backend } from '../../src/crypto/index.ts'
import { SIMULATED_ROOT, SimulatedDevnet, type SimulatedNode } from '../../src/devnet/index.ts'
import type { ChunkAddress } from '../../src/protocol/index.ts'
import { SimClock } from '../../src/sim/index.ts'
import { createFileChunkStore } from '../../src/storage/index.ts'

const SEED = Number(process.env['SIM_SEED'] ?? 5)
const NODES = 16

interface Outcome {
  readonly fingerprint: string
  readonly states: string[]
}

async function story(seed: number): Promise<Outcome> {
  const net = new SimulatedDevnet({ seed })
  await net.start(NODES)
  const client = await net.connectClient('people')
  const dice = seededRandom(seed)
  const put = (count: number) => {
    const contents = Array.from({ length: count }, () => dice.bytes(2000))
    return net.world.run(() => Promise.all(contents.map((content) => client.putChunk(content))))
  }
  const before = await put(8)

  const [full, readOnly, failing, away] = net.nodes as [SimulatedNode, SimulatedNode, SimulatedNode, SimulatedNode]
  full.disk.capacityBytes = 0
  readOnly.disk.fail({ readOnly: true })
  failing.disk.fail({ failing: 'everything' })
  away.disk.unplug(SIMULATED_ROOT)
  // One copy of the first chunk rots where the disk is sound.
  const rotten = net.nodes.slice(4).find(({ store }) => store.has(before[0]?.address as never))
  const file = [...(rotten?.disk.files().keys() ?? [])].find((path) => path.endsWith(before[0]?.address as string))
  rotten?.disk.rot(file as string, dice)
  await net.world.advance(6000)

  const during = await put(24)
  assert.ok(
    during.every(({ acks }) => acks >= 4),
    `seed ${seed}: acks ${during.map(({ acks }) => acks)}`,
  )
  const reader = await net.connectClient('reader')
  for (const { address } of [...before, ...during]) {
    assert.ok(await net.world.run(() => reader.getChunk(address)), `seed ${seed}: ${address}`)
  }
  const states = net.nodes.map(({ store }) => store.disk)
  assert.deepEqual(new Set(states.slice(4)), new Set(['writable']), `seed ${seed}: ${states}`)

  full.disk.capacityBytes = Number.MAX_SAFE_INTEGER
  for (const { disk } of [readOnly, failing]) disk.fail({})
  away.disk.plugIn()
  await net.world.advance(3 * 60_000)
  assert.deepEqual(new Set(net.nodes.map(({ store }) => store.disk)), new Set(['writable']), `seed ${seed}: all back`)
  await crashAll(net, seed)
  const fingerprint = net.world.fingerprint()
  await net.stop()
  return { fingerprint, states }
}

/** Every node loses power at once: what its store held is on its disk. */
async function crashAll(net: SimulatedDevnet, seed: number): Promise<void> {
  let checked = 0
  for (const { index, store, disk } of net.nodes) {
    const held = [...store.keys()]
    disk.crash('mixture', seededRandom(seed + index))
    const after = createFileChunkStore(SIMULATED_ROOT, {
      ...{ clock: new SimClock(), random: seededRandom(index), fileSystem: disk },
      hash: (content) => backend().blake3(content),
    })
    await after.start(never)
    for (const address of held) {
      const found = await after.check(address)
      // The rotten copy that nobody has read yet.
      assert.ok(found.kind !== 'absent', `seed ${seed}: node ${index} lost ${address}`)
      checked++
    }
    await after.stop()
  }
  assert.ok(checked > 100, `seed ${seed}: only ${checked} copies`)
}

test(`puts and gets go on around sick disks, and all come back (SIM_SEED=${SEED})`, async () => {
  const { states } = await story(SEED)
  console.log(`seed ${SEED}: ${states.slice(0, 4).join(', ')}`)
})

test('a node that loses power in the middle of puts comes back with all that it had stored', async () => {
  const seed = SEED
  const net = new SimulatedDevnet({ seed })
  await net.start(NODES)
  const client = await net.connectClient('people')
  const dice = seededRandom(seed)
  const contents = Array.from({ length: 30 }, () => dice.bytes(3000))
  const victim = 5
  let held: ChunkAddress[] = []
  const stored = () => (net.nodes[victim] as SimulatedNode).store
  const puts = await net.world.run(() => {
    const watch = () => {
      // Somewhere in the middle.
      if (stored().size < 2) return void net.world.clock.timer(1, watch)
      held = [...stored().keys()]
      net.kill(net.nodes[victim] as SimulatedNode)
    }
    watch()
    return Promise.all(contents.map((content) => client.putChunk(content)))
  })
  assert.ok(held.length >= 2, `seed ${seed}: ${held.length} chunks were held`)
  assert.ok(puts.every(({ acks }) => acks >= 4))
  await net.restart(net.nodes[victim] as SimulatedNode)
  for (const address of held) {
    assert.deepEqual(await stored().check(address), { kind: 'right', bytes: 3000 }, `seed ${seed}: lost ${address}`)
  }
  for (const address of stored().keys()) assert.equal((await stored().check(address)).kind, 'right', `seed ${seed}`)
  const late = dice.bytes(3000)
  assert.ok((await net.world.run(() => client.putChunk(late))).acks >= 4, `seed ${seed}`)
  await net.stop()
})

test('the paid list stands on the disk of its node', async () => {
  const net = new SimulatedDevnet({ seed: SEED })
  await net.start(3)
  const node = net.nodes[2] as SimulatedNode
  const { disk } = node
  const address = (n: number) => 'ab'.repeat(31).concat(n.toString(16).padStart(2, '0')) as ChunkAddress
  const list = () => node.paidList
  const insert = (n: number) => net.world.run(() => list().insert(address(n)))
  await insert(0)
  const ill: [string, () => void, string][] = [
    ['full', () => (disk.capacityBytes = 0), 'STORAGE_FULL'],
    ['read-only', () => disk.fail({ readOnly: true }), 'STORAGE_IO'],
    ['failing', () => disk.fail({ failing: 'everything' }), 'STORAGE_IO'],
    ['failing writes', () => disk.fail({ failing: 'writes' }), 'STORAGE_IO'],
    ['unplugged', () => disk.unplug(SIMULATED_ROOT), 'STORAGE_IO'],
  ]
  for (const [n, [what, fall, code]] of ill.entries()) {
    fall()
    for (let tries = 0; tries < 3; tries++) await assert.rejects(insert(n + 1), { code }, what)
    assert.notEqual(list().state, 'writable', what)
    disk.capacityBytes = Number.MAX_SAFE_INTEGER
    disk.fail({})
    disk.plugIn()
    assert.equal(await insert(n + 1), true, `${what} is over`)
    assert.deepEqual([list().size, list().state], [n + 2, 'writable'])
  }
  disk.fail({ lies: 'files' })
  await insert(ill.length + 1)
  net.kill(node, 'flushed')
  disk.fail({})
  await net.restart(node)
  assert.equal(list().size, ill.length + 1, 'what was flushed is there, what was not is gone')
  assert.equal(list().has(address(ill.length + 1)), false)
  await net.stop()
})

test('the same seed gives the same run', async () => {
  const [first, second] = [await story(11), await story(11)]
  assert.deepEqual(first, second)
})
