/** One verification request a peer at a time, whoever asks. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { never } from '../../../src/base/index.ts'
import type { PeerId } from '../../../src/protocol/index.ts'
import type { Messenger } from '../../../src/replication/traffic/messenger.ts'
import { VerificationGate } from '../../../src/replication/traffic/verification-gate.ts'
import { at, peerAt } from './support/seeds.ts'

test('one at a time, whoever asks; who waits has its turn; an abort leaves nothing behind', async () => {
  const asked: { peer: PeerId; answer: () => void }[] = []
  const messenger = {
    ask: (peer: PeerId) =>
      new Promise((resolve) => {
        const results = [{ key: at(1), present: true }]
        asked.push({ peer, answer: () => resolve({ kind: 'answer', body: { results } }) })
      }),
  } as unknown as Messenger
  const gate = new VerificationGate(messenger)
  let freed = 0
  const unsubscribe = gate.onFreed(() => freed++)
  const ask = (peer: PeerId, signal = never) =>
    gate.ask({ peer, keys: [at(1)], paidListCheckIndices: [] }, { timeoutMs: 1000, signal })
  const first = ask(peerAt(1))
  const other = ask(peerAt(2))
  assert.ok(gate.busy(peerAt(1)) && gate.busy(peerAt(2)), 'at once')
  const abort = new AbortController()
  const gone = ask(peerAt(1), abort.signal)
  const waits = ask(peerAt(1))
  abort.abort(new Error('enough'))
  await assert.rejects(gone, /enough/)
  assert.equal(asked.length, 2)
  asked[1]?.answer()
  assert.deepEqual(await other, [{ key: at(1), present: true }])
  assert.ok(gate.busy(peerAt(1)) && !gate.busy(peerAt(2)))
  asked[0]?.answer()
  await first
  await new Promise(setImmediate)
  assert.deepEqual([asked.length, gate.busy(peerAt(1))], [3, true])
  asked[2]?.answer()
  await waits
  assert.deepEqual([freed, gate.busy(peerAt(1))], [3, false])
  unsubscribe()
})

test('an asking that fails frees the peer, and no answer is none', async () => {
  const answers: (() => Promise<unknown>)[] = [
    () => Promise.reject(new Error('a bug')),
    async () => ({ kind: 'silent', unasked: false }),
    async () => ({ kind: 'malformed' }),
  ]
  const gate = new VerificationGate({ ask: () => answers.shift()?.() } as unknown as Messenger)
  const ask = () => gate.ask({ peer: peerAt(1), keys: [], paidListCheckIndices: [] }, { timeoutMs: 1, signal: never })
  await assert.rejects(ask(), /a bug/)
  assert.ok(!gate.busy(peerAt(1)))
  assert.deepEqual([await ask(), await ask()], [undefined, undefined])
})
