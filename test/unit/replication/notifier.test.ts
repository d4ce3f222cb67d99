/** Notifies of payments are told one after the other to each peer. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { never, TaskGroup } from '../../../src/base/index.ts'
import type { ChunkAddress, PeerId } from '../../../src/protocol/index.ts'
import { Notifier } from '../../../src/replication/fresh/notifier.ts'
import { REPLICATION_DEFAULTS } from '../../../src/replication/options.ts'
import type { Parts } from '../../../src/replication/parts.ts'
import { EventPump, SimClock } from '../../../src/sim/index.ts'
import { at, many, peerAt } from './support/seeds.ts'

const PROOF = new Uint8Array(100)

function scene(reachable: (peer: PeerId, tries: number) => boolean = () => true, overrides = {}) {
  const clock = new SimClock()
  const pump = new EventPump(clock, 1)
  const options = { ...REPLICATION_DEFAULTS, ...overrides }
  const sent: { peer: PeerId; key: ChunkAddress; at: number }[] = []
  let [open, most] = [0, 0]
  const tries = new Map<PeerId, number>()
  const messenger = {
    tell: async (peer: PeerId, body: { key: ChunkAddress }) => {
      most = Math.max(most, ++open)
      await clock.sleep(50, never)
      open--
      tries.set(peer, (tries.get(peer) ?? 0) + 1)
      if (!reachable(peer, tries.get(peer) as number)) return false
      sent.push({ peer, key: body.key, at: clock.monotonic() })
      return true
    },
  }
  const errors: unknown[] = []
  const tasks = new TaskGroup((error) => errors.push(error))
  const parts = { clock, options, tasks, messenger } as unknown as Parts
  const notifier = new Notifier(parts)
  const pass = (ms: number) => pump.run(() => clock.sleep(ms, never))
  return { notifier, options, errors, sent, pass, tries, most: () => most }
}

test('a hundred keys for three peers: one at a time for each, with pauses, and nothing is left', async () => {
  const { notifier, options, sent, pass, most } = scene()
  const peers = [1, 2, 3].map((n) => peerAt(n))
  for (let i = 0; i < 100; i++) for (const peer of peers) notifier.add(peer, at(i), PROOF)
  assert.equal(notifier.proofBytes, 100 * PROOF.length, 'a proof is there once, for however many')
  await pass(100 * (options.notifyPauseMs + 60))
  assert.equal(sent.length, 300)
  assert.equal(most(), 3)
  for (const peer of peers) {
    const times = sent.filter((each) => each.peer === peer).map((each) => each.at)
    for (const [i, time] of times.slice(1).entries())
      assert.ok(time - (times[i] as number) >= options.notifyPauseMs, `${time}`)
  }
  assert.equal(notifier.proofBytes, 0)
})

test('who is not reached is tried once more at the end of its line, and then owed nothing', async () => {
  const { notifier, sent, pass, tries } = scene((peer, count) => peer !== peerAt(1) || count > 1)
  notifier.add(peerAt(1), at(1), PROOF)
  notifier.add(peerAt(1), at(2), PROOF)
  await pass(5000)
  assert.deepEqual(
    sent.map(({ key }) => key),
    [at(2), at(1)],
  )
  assert.equal(notifier.proofBytes, 0)
  const lost = scene(() => false)
  lost.notifier.add(peerAt(1), at(1), PROOF)
  await lost.pass(5000)
  assert.deepEqual([lost.notifier.proofBytes, lost.tries.get(peerAt(1))], [0, lost.options.notifyTries])
  assert.equal(tries.get(peerAt(1)), 3)
})

test('proofs that wait are bounded; what finds no place is not told', async () => {
  const { notifier, sent, pass } = scene(() => true, { notifyProofBytes: 3 * PROOF.length })
  assert.deepEqual(
    many(5, () => 0).map((_, i) => notifier.add(peerAt(1), at(i), PROOF)),
    [true, true, true, false, false],
  )
  assert.ok(notifier.add(peerAt(2), at(2), PROOF), 'its proof is there')
  await pass(5000)
  assert.equal(sent.length, 4)
  assert.ok(notifier.add(peerAt(1), at(4), PROOF))
  await pass(5000)
  assert.equal(sent.length, 5)
})

test('an error that nobody expects ends a line, not what comes after it', async () => {
  let broken = true
  const { notifier, sent, pass, errors } = scene(() => {
    if (broken) throw new Error('a bug')
    return true
  })
  notifier.add(peerAt(1), at(1), PROOF)
  notifier.add(peerAt(1), at(2), PROOF)
  await pass(5000)
  assert.deepEqual([errors.length, notifier.proofBytes, sent.length], [1, 0, 0])
  broken = false
  notifier.add(peerAt(1), at(3), PROOF)
  await pass(5000)
  assert.deepEqual(
    sent.map(({ key }) => key),
    [at(3)],
  )
})
