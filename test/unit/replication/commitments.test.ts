/** Our own commitment over a wall clock that jumps: peers count the hours in which they may ask on clocks of their own. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { RetentionFiles } from '../../../src/audit/index.ts'
import { hour, minute, never, seededRandom, silentLogger, TaskGroup } from '../../../src/base/index.ts'
import { backend } from '../../../src/crypto/index.ts'
import { type ChunkAddress, peerIdOfPublicKey } from '../../../src/protocol/index.ts'
import { Commitments } from '../../../src/replication/audits/commitments.ts'
import { REPLICATION_DEFAULTS as options } from '../../../src/replication/options.ts'
import type { Parts } from '../../../src/replication/parts.ts'
import { Holdings } from '../../../src/replication/view/holdings.ts'
import { EventPump, SimClock, SimSignatures } from '../../../src/sim/index.ts'
import { createMemoryChunkStore, createMemoryPaidList } from '../../../src/storage/index.ts'
import { at } from './support/seeds.ts'

class JumpingClock extends SimClock {
  jump = 0
  override now(): number {
    return super.now() + this.jump
  }
}

async function start(files: { kept?: RetentionFiles }, jump = 0, vanished: ReadonlySet<ChunkAddress> = new Set()) {
  const clock = new JumpingClock()
  clock.jump = jump
  const pump = new EventPump(clock, 1)
  const signatures = new SimSignatures(backend(), seededRandom(3))
  const signer = signatures.createSigner(seededRandom(2))
  const [store, paidList] = [createMemoryChunkStore(), createMemoryPaidList()]
  await paidList.start(never)
  const tasks = new TaskGroup((error) => assert.fail(String(error)))
  const holdings = new Holdings({
    ...{ self: peerIdOfPublicKey(signer.publicKey), store, paidList, log: silentLogger, peers: () => [] },
    ...{ suspected: () => false, breathe: async () => undefined },
  })
  holdings.added(at(1))
  const parts = {
    ...{ self: peerIdOfPublicKey(signer.publicKey), clock, options, holdings, tasks, log: silentLogger },
    store: { has: (key: ChunkAddress) => !vanished.has(key) },
  }
  const commitments = new Commitments({
    ...{ parts: parts as unknown as Parts, signer, verifier: signatures, built: () => undefined },
    files: {
      load: async () => files.kept,
      save: async (kept) => {
        files.kept = kept
      },
    },
  })
  await pump.run(() => commitments.load())
  const pass = (ms: number) => pump.run(() => clock.sleep(ms, never))
  return { clock, pump, commitments, pass }
}

const kindOf = (commitments: Commitments, pin: Uint8Array) => {
  const body = commitments.answer(pin)
  return body.kind === 'getCommitmentByPinResponse' ? body.result.kind : body.kind
}

test('a clock that finds out late what time it is repudiates no pin, and frees no key from its veto', async () => {
  const { clock, pump, commitments, pass } = await start({})
  await pump.run(() => commitments.rotate(never))
  const { pin } = (await pump.run(() => commitments.showForQuote())) ?? assert.fail('nothing is shown')
  clock.jump = 30 * 24 * hour
  await pass(3 * hour - minute)
  assert.equal(kindOf(commitments, pin), 'found')
  assert.ok(commitments.isCommitted(at(1)))
  await pass(2 * minute)
  assert.equal(kindOf(commitments, pin), 'notRetained')
})

test('stamps on disk are of the wall clock: after a restart the rest of the three hours is left, with its grace', async () => {
  const files: { kept?: RetentionFiles } = {}
  const first = await start(files)
  await first.pump.run(() => first.commitments.rotate(never))
  const { pin } = (await first.pump.run(() => first.commitments.showForQuote())) ?? assert.fail('nothing is shown')
  // The monotonic clock starts anew; two hours have passed in the world.
  const second = await start(files, 2 * hour)
  assert.equal(kindOf(second.commitments, pin), 'found')
  await second.pass(hour + 4 * minute)
  assert.equal(kindOf(second.commitments, pin), 'found')
  await second.pass(2 * minute)
  assert.equal(kindOf(second.commitments, pin), 'notRetained')
})

test('a chunk that vanished a moment ago is not committed to', async () => {
  const { pump, commitments } = await start({}, 0, new Set([at(1)]))
  await pump.run(() => commitments.rotate(never))
  assert.equal(await pump.run(() => commitments.showForQuote()), undefined)
})
