/** Who was told of which key, and when (replication.md 7.4): the table in plain memory says what maps would say. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { hour, minute, randomBelow } from '../../../src/base/index.ts'
import type { ChunkAddress, PeerId } from '../../../src/protocol/index.ts'
import { REPLICATION_DEFAULTS } from '../../../src/replication/options.ts'
import { RepairProofs } from '../../../src/replication/sync/repair-proofs.ts'
import { at, forSeeds, many, peerAt, peerId, pick } from './support/seeds.ts'

test('7.4 mature after an hour and an epoch; repeats keep the time; leaving the group loses it', () => {
  const proofs = new RepairProofs(REPLICATION_DEFAULTS)
  const key = at(0)
  const [alice, bob, carol] = [peerAt(1), peerAt(2), peerAt(3)]
  proofs.told(key, alice, [alice, bob], { now: 0, epoch: 1 })
  proofs.told(key, alice, [alice, bob], { now: 50 * minute, epoch: 2 })
  proofs.told(key, carol, [alice, bob], { now: 0, epoch: 1 })
  const mature = (peer: PeerId, now: number, epoch: number) => proofs.mature(key, peer, { now, epoch })
  assert.ok(!mature(alice, hour, 1) && !mature(alice, hour - 1, 2) && mature(alice, hour, 2))
  assert.ok(!mature(bob, 9 * hour, 9) && !mature(carol, 9 * hour, 9))
  proofs.told(key, bob, [bob, carol], { now: hour, epoch: 2 })
  assert.ok(!mature(alice, 9 * hour, 9))
  proofs.told(key, alice, [alice, bob], { now: 2 * hour, epoch: 3 })
  assert.ok(!mature(alice, 2 * hour, 9) && mature(alice, 3 * hour, 4))
  proofs.keyRemoved(key)
  assert.deepEqual([proofs.size, proofs.peers], [0, 0])
})

/** The same in maps. */
class Model {
  readonly keys = new Map<ChunkAddress, Map<PeerId, { now: number; epoch: number }>>()

  told(
    key: ChunkAddress,
    peer: PeerId,
    group: readonly PeerId[],
    moment: { now: number; epoch: number },
    limit: number,
  ) {
    this.only(key, (other) => group.includes(other))
    if (!group.includes(peer)) return
    const peers = this.keys.get(key) ?? new Map()
    if (!peers.has(peer)) this.keys.set(key, peers.set(peer, moment))
    if (this.keys.size > limit) this.keys.delete(this.keys.keys().next().value as ChunkAddress)
  }
  only(key: ChunkAddress, stays: (peer: PeerId) => boolean) {
    const peers = this.keys.get(key)
    for (const peer of peers?.keys() ?? []) if (!stays(peer)) peers?.delete(peer)
    if (peers?.size === 0) this.keys.delete(key)
  }
}

test('whatever happens it says what maps say, is bounded by keys, and all of it empties together', () => {
  forSeeds(20, (random) => {
    const proofs = new RepairProofs({ ...REPLICATION_DEFAULTS, repairProofKeys: 100 })
    const model = new Model()
    const some = many(12, () => peerId(random))
    for (let i = 0; i < 2000; i++) {
      const key = at(randomBelow(random, 160))
      const group = many(1 + randomBelow(random, 7), () => pick(random, some))
      const what = randomBelow(random, 40)
      if (what < 3) {
        proofs.keyRemoved(key)
        model.keys.delete(key)
      } else if (what === 3) {
        const gone = pick(random, some)
        proofs.peerRemoved(gone)
        for (const each of [...model.keys.keys()]) model.only(each, (peer) => peer !== gone)
      } else {
        const [peer, moment] = [pick(random, some), { now: i * minute, epoch: i >> 4 }]
        proofs.told(key, peer, group, moment)
        model.told(key, peer, group, moment, 100)
      }
      assert.ok(proofs.size === model.keys.size && proofs.size <= 100)
      const asked = pick(random, some)
      const told = model.keys.get(key)?.get(asked)
      const now = { now: i * minute + randomBelow(random, hour), epoch: (i >> 4) + randomBelow(random, 3) }
      const mature = told !== undefined && now.now - told.now >= hour && now.epoch > told.epoch
      assert.equal(proofs.mature(key, asked, now), mature)
      const keys = [...model.keys].filter(([, peers]) => peers.has(asked)).map(([each]) => each)
      assert.deepEqual([...proofs.keysTold(asked)].sort(), keys.sort())
      assert.equal(proofs.peers, new Set([...model.keys.values()].flatMap((peers) => [...peers.keys()])).size)
    }
    for (const peer of some) proofs.peerRemoved(peer)
    assert.deepEqual([proofs.size, proofs.peers], [0, 0])
  })
})
