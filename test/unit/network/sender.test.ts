import assert from 'node:assert/strict'
import { test } from 'node:test'
import { never } from '../../../src/base/index.ts'
import { backend } from '../../../src/crypto/index.ts'
import { NETWORK_DEFAULTS } from '../../../src/network/index.ts'
import type { Link } from '../../../src/network/link.ts'
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
