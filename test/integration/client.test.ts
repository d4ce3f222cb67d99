/** The client over the real rooms: whole nodes on a simulated network, files as bytes, peers that die or lie. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { seededRandom } from '../../src/base/index.ts'
import type { UploadResult } from '../../src/client/index.ts'
import { SimulatedDevnet } from '../../src/devnet/index.ts'
import { sourceFromBytes } from '../../src/self-encryption/index.ts'

const SEED = Number(process.env['SIM_SEED'] ?? 21)

async function networkOf(nodes: number): Promise<SimulatedDevnet> {
  const net = new SimulatedDevnet({ seed: SEED })
  await net.start(nodes)
  return net
}

function content(size: number): Uint8Array {
  return seededRandom(SEED).bytes(size)
}

describe(`client on whole nodes (SIM_SEED=${SEED})`, () => {
  it('a public file goes up through one client and comes back through another, with 3 of 8 nodes dead', async () => {
    const net = await networkOf(8)
    const bytes = content(300_000)
    const writer = await net.connectClient('writer')
    const up: UploadResult = await net.world.run(() => writer.uploadFile(sourceFromBytes(bytes), { public: true }))
    assert.deepEqual([up.chunks, up.chunksStored], [4, 4])
    for (const address of up.addresses) {
      assert.ok(net.nodes.filter(({ store }) => store.has(address)).length >= 4, `seed ${SEED}`)
    }
    for (const node of net.nodes.slice(1, 4)) node.host.kill()
    const reader = await net.connectClient('reader')
    const back = await net.world.run(() => reader.readRange(up.address as string, 0, bytes.length))
    assert.deepEqual(back, bytes, `seed ${SEED}`)
    const part = await net.world.run(() => reader.readRange(up.address as string, 99_990, 20))
    assert.deepEqual(part, bytes.slice(99_990, 100_010))
    const again = await net.world.run(() => reader.uploadFile(sourceFromBytes(content(5000))))
    assert.equal(again.chunksStored, 3, 'storing works with 5 left')
    await net.stop()
  })

  it('a second upload of the same file stores nothing new', async () => {
    const net = await networkOf(8)
    const bytes = content(10_000)
    const first = await net.connectClient('first')
    const second = await net.connectClient('second')
    const one = await net.world.run(() => first.uploadFile(sourceFromBytes(bytes)))
    const two = await net.world.run(() => second.uploadFile(sourceFromBytes(bytes)))
    assert.deepEqual(two.dataMap, one.dataMap)
    assert.deepEqual([two.chunks, two.chunksStored], [3, 0])
    await net.stop()
  })

  it('nodes that die in the middle of an upload do not stop it', async () => {
    const net = await networkOf(10)
    const writer = await net.connectClient('writer')
    let killed = false
    const onProgress = () => {
      if (killed) return
      killed = true
      for (const node of net.nodes.slice(1, 3)) node.host.kill()
    }
    const bytes = content(40_000)
    const up = await net.world.run(() => writer.uploadFile(sourceFromBytes(bytes), { onProgress, public: true }))
    assert.ok(killed)
    const reader = await net.connectClient('reader')
    assert.deepEqual(await net.world.run(() => reader.readRange(up.address as string, 0, bytes.length)), bytes)
    await net.stop()
  })

  for (const nodes of [1, 2, 3]) {
    it(`a network of ${nodes} node(s): every node confirms, and an absent chunk is not found`, async () => {
      const net = await networkOf(nodes)
      const client = await net.connectClient('client')
      const put = await net.world.run(() => client.putChunk(content(100)))
      assert.deepEqual([put.acks, put.stored], [nodes, 'new'])
      assert.ok(net.nodes.every(({ store }) => store.has(put.address)))
      assert.equal((await net.world.run(() => client.getChunk(put.address))).length, 100)
      const absent = '12'.repeat(32)
      await assert.rejects(
        net.world.run(() => client.readRange(absent, 0, 1)),
        { code: 'CLIENT_NOT_FOUND' },
      )
      await net.stop()
    })
  }

  it('a network that is gone: one clear error, in bounded time', async () => {
    const net = await networkOf(4)
    const client = await net.connectClient('client')
    for (const node of net.nodes) node.host.kill()
    const before = net.world.clock.monotonic()
    await assert.rejects(
      net.world.run(() => client.putChunk(content(100))),
      { code: 'CLIENT_INSUFFICIENT_PEERS' },
    )
    await assert.rejects(
      net.world.run(() => client.readRange('12'.repeat(32), 0, 1)),
      { code: 'CLIENT_INSUFFICIENT_PEERS' },
    )
    assert.ok(net.world.clock.monotonic() - before < 300_000, `took ${net.world.clock.monotonic() - before} virtual ms`)
    await net.stop()
  })
})
