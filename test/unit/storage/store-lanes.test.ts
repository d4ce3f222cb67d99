import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Bytes, never, Registry, seededRandom } from '../../../src/base/index.ts'
import { backend } from '../../../src/crypto/index.ts'
import { type ChunkAddress, chunkAddressOf } from '../../../src/protocol/index.ts'
import { SimClock, SimDisk } from '../../../src/sim/index.ts'
import { createFileChunkStore, createStoreLanes, ObservedChunkStore } from '../../../src/storage/index.ts'

/** A real store whose operations end when the test says so. */
class SlowStore extends ObservedChunkStore {
  readonly running: { readonly what: string; readonly end: () => void }[] = []

  override async get(address: ChunkAddress) {
    await new Promise<void>((end) => this.running.push({ what: `get ${address.slice(0, 2)}`, end }))
    return super.get(address)
  }
  override async put(address: ChunkAddress, content: Uint8Array) {
    await new Promise<void>((end) => this.running.push({ what: `put ${address.slice(0, 2)}`, end }))
    return super.put(address, content)
  }
  end(count = 1): void {
    for (const { end } of this.running.splice(0, count)) end()
  }
}

const settled = async () => {
  for (let i = 0; i < 5; i++) await new Promise(setImmediate)
}

async function scene() {
  const clock = new SimClock()
  const registry = new Registry()
  const random = seededRandom(7)
  const store = new SlowStore(createFileChunkStore('/node', { clock, random, fileSystem: new SimDisk().session() }))
  await store.start(never)
  const contents: Bytes[] = Array.from({ length: 6 }, () => random.bytes(100))
  const addresses = contents.map((content) => chunkAddressOf(backend().blake3(content)))
  for (const [i, content] of contents.entries()) {
    const put = store.put(addresses[i] as ChunkAddress, content)
    store.end()
    await put
  }
  return { registry, store, addresses, contents, lanes: createStoreLanes(store, { clock, registry }) }
}

test('while a client or an audit uses the disk the background begins nothing; then two at a time, and scans last', async () => {
  const { store, addresses, contents, lanes, registry } = await scene()
  const [a, b, c, d] = addresses as [ChunkAddress, ChunkAddress, ChunkAddress, ChunkAddress]
  const read = lanes.client.get(a)
  const rest = [lanes.scan.get(d), ...[a, b, c].map((address) => lanes.background.get(address))]
  const put = lanes.client.put(b, contents[1] as Bytes)
  const audit = lanes.audit.get(c)
  await settled()
  assert.deepEqual(
    store.running.map(({ what }) => what),
    [`get ${a.slice(0, 2)}`, `put ${b.slice(0, 2)}`, `get ${c.slice(0, 2)}`],
  )
  assert.match(registry.render(), /myrmex_storage_lane_waiting\{lane="background"\} 3/)
  store.end(2)
  await settled()
  assert.equal(store.running.length, 1, 'the audit still reads')
  store.end()
  await settled()
  assert.equal(store.running.length, 2)
  store.end(2)
  await settled()
  assert.equal(store.running.length, 1, 'the third, and no scan beside it')
  store.end()
  await settled()
  assert.deepEqual(
    store.running.map(({ what }) => what),
    [`get ${d.slice(0, 2)}`],
  )
  store.end()
  assert.deepEqual(await read, contents[0])
  assert.equal(await put, 'duplicate')
  assert.deepEqual(await audit, contents[2])
  assert.deepEqual(
    await Promise.all(rest),
    [3, 0, 1, 2].map((i) => contents[i]),
  )
  await lanes.background.stop()
})

test('beside readers that never pause the background gets one for eight, one at a time', async () => {
  const { store, addresses, lanes } = await scene()
  const address = addresses[0] as ChunkAddress
  const reads = [lanes.client.get(address)]
  const background = [0, 1].map(() => lanes.background.get(address))
  for (let i = 0; i < 7; i++) reads.push(lanes.client.get(address))
  await settled()
  assert.equal(store.running.length, 9, 'the eighth read brings one with it')
  reads.push(lanes.client.get(address))
  await settled()
  assert.equal(store.running.length, 10)
  store.end(10)
  await Promise.all(reads)
  store.end()
  await Promise.all(background)
  await lanes.client.stop()
})

test('what goes wrong below gives the place back', async () => {
  const { store, lanes } = await scene()
  const absent = 'ab'.repeat(32) as ChunkAddress
  for (let i = 0; i < 5; i++) {
    const put = lanes.background.put(absent, Uint8Array.of(i))
    await settled()
    store.end()
    await assert.rejects(put, { code: 'STORAGE_ADDRESS_MISMATCH' })
  }
  const get = lanes.scan.get(absent)
  await settled()
  store.end()
  assert.equal(await get, undefined)
  assert.equal(lanes.scan.size, 6)
  await lanes.scan.stop()
})
