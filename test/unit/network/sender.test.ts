import assert from 'node:assert/strict'
import { test } from 'node:test'
import { never } from '../../../src/base/index.ts'
import { backend } from '../../../src/crypto/index.ts'
import { NETWORK_DEFAULTS, SEND_LANE_DEFAULTS } from '../../../src/network/index.ts'
import type { Link } from '../../../src/network/link.ts'
import { SendLanes } from '../../../src/network/send-lanes.ts'
import { Sender } from '../../../src/network/sender.ts'
import { peerIdOfPublicKey } from '../../../src/protocol/index.ts'
import { SimWorld } from '../../../src/sim/index.ts'

test('one signature serves the announces of ten seconds; one that failed is not kept', async () => {
  const world = new SimWorld({ seed: 1, hash: backend() })
  const real = world.signer('a')
  let calls = 0
  const sent: Uint8Array[] = []
  const signer = {
    publicKey: real.publicKey,
    sign: (message: Uint8Array) => (++calls === 1 ? Promise.reject(new Error('no entropy')) : real.sign(message)),
  }
  const link = { connection: { send: async (message: Uint8Array) => void sent.push(message) } } as unknown as Link
  const sender = new Sender(
    {
      ...{ self: peerIdOfPublicKey(real.publicKey), clock: world.clock, signer, count: () => undefined },
      allocate: (bytes: number) => new Uint8Array(bytes),
      linkTo: async () => link,
      onDead: () => assert.fail('the link lives'),
      lanes: new SendLanes({ clock: world.clock, changed: () => undefined }, SEND_LANE_DEFAULTS),
    },
    NETWORK_DEFAULTS,
  )
  await assert.rejects(sender.announce(link, never), /no entropy/)
  await sender.announce(link, never)
  await sender.announce(link, never)
  assert.deepEqual([calls, sent.length], [2, 2])
  await world.run(() => world.clock.sleep(10_000, never))
  await sender.announce(link, never)
  assert.equal(calls, 3)
})

test('the memory of a prepared message is given back, but never under a signature that is being made', async () => {
  const world = new SimWorld({ seed: 2, hash: backend() })
  const real = world.signer('a')
  const peer = peerIdOfPublicKey(world.signer('b').publicKey)
  let finish: () => void = () => assert.fail('nothing is signed yet')
  const signer = {
    publicKey: real.publicKey,
    sign: async (message: Uint8Array) => {
      await new Promise<void>((resolve) => (finish = resolve))
      return real.sign(message)
    },
  }
  const sent: Uint8Array[] = []
  const link = { connection: { send: async (message: Uint8Array) => void sent.push(message) } } as unknown as Link
  const memory: Uint8Array<ArrayBuffer>[] = []
  const sender = new Sender(
    {
      ...{ self: peerIdOfPublicKey(real.publicKey), clock: world.clock, signer, count: () => undefined },
      allocate: (bytes: number) => {
        memory.push(new Uint8Array(bytes))
        return memory.at(-1) as Uint8Array<ArrayBuffer>
      },
      linkTo: async () => link,
      onDead: () => assert.fail('the link lives'),
      lanes: new SendLanes({ clock: world.clock, changed: () => undefined }, SEND_LANE_DEFAULTS),
    },
    NETWORK_DEFAULTS,
  )
  const detached = () => memory.map(({ buffer }) => buffer.detached)
  const message = sender.prepare('topic', [new Uint8Array(70_000), new Uint8Array(5)])
  const sends = [1, 2].map(() => sender.send(peer, message, { signal: never }))
  await new Promise(setImmediate)
  message.release()
  assert.deepEqual(detached(), [false], 'one copy for both, and it is being signed')
  finish()
  await Promise.all(sends)
  assert.deepEqual([sent.length, sent[0]], [2, sent[1]])
  assert.deepEqual(detached(), [true])
  await assert.rejects(sender.send(peer, message, { signal: never }), { code: 'NETWORK_SEND_FAILED' })

  const unsent = sender.prepare('topic', new Uint8Array(70_000))
  unsent.release()
  assert.equal(memory.length, 1, 'what is never sent is never made')
  const once = sender.sendOnce(peer, 'topic', new Uint8Array(70_000), { signal: never })
  await new Promise(setImmediate)
  finish()
  await once
  assert.deepEqual(detached(), [true, true])
})
