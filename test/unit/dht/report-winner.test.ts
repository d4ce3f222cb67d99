import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type AddressReport, reportWinner } from '../../../src/dht/report-winner.ts'
import { keyOf, type PeerId, type TypedAddress } from '../../../src/protocol/index.ts'
import { brief, direct, peerAt, peerOf, relay, typed } from './support/addresses.ts'

const subject = { peer: peerOf('subject'), key: keyOf(peerOf('subject')) }
/** Reporters by nearness: r(9) is nearer to the subject than r(1). */
const r = (bits: number) => peerAt(subject.peer, bits, `reporter ${bits}`)
const empty = new Uint8Array(0)

function report(reporter: PeerId, addresses: TypedAddress[], proof?: 'v1' | 'v2', sequence = 1n): AddressReport {
  const record = { owner: subject.peer, sequence, records: [], publicKey: empty, signature: empty, encoded: empty }
  const authority =
    proof === 'v2'
      ? { kind: proof, sequence, record }
      : proof === 'v1'
        ? { kind: proof, sequence }
        : { kind: 'hint' as const }
  return { reporter, reporterKey: keyOf(reporter), addresses, authority }
}
const winner = (...reports: AddressReport[]) => {
  const found = reportWinner(subject, reports)
  return found && brief(found.addresses)
}
const a = [direct('1.1.1.1:1')]
const b = [direct('2.2.2.2:2')]

test('no report, no winner', () => assert.equal(winner(), undefined))
test('a single third party wins', () => assert.deepEqual(winner(report(r(3), a)), brief(a)))
test('the subject itself wins over hints', () => {
  assert.deepEqual(winner(report(r(9), b), report(r(8), b), report(subject.peer, a)), brief(a))
})
test('two of the three nearest beat a nearer dissenter', () => {
  assert.deepEqual(winner(report(r(9), b), report(r(8), a), report(r(7), a)), brief(a))
})
test('reporters beyond the three nearest have no vote', () => {
  const c = [typed('3.3.3.3:3')]
  assert.deepEqual(winner(report(r(9), a), report(r(8), b), report(r(7), c), report(r(1), b)), brief(a))
})
test('without a quorum the nearest reporter wins', () => {
  assert.deepEqual(winner(report(r(2), b), report(r(9), a)), brief(a))
})
test('an owner-proven newer record beats a nearer stale one; V2 beats any V1', () => {
  assert.deepEqual(winner(report(r(9), b, 'v2', 5n), report(r(1), a, 'v2', 6n)), brief(a))
  assert.deepEqual(winner(report(r(9), b, 'v1', 99n), report(r(1), a, 'v2', 1n)), brief(a))
  assert.deepEqual(winner(report(r(9), a, 'v2', 5n), report(r(1), b, 'v2', 5n)), brief(a))
})
test('a newer direct-only publication removes the stale relay: owner views never merge with hints', () => {
  assert.deepEqual(winner(report(r(9), [relay('5.5.5.5:5'), ...a]), report(r(1), a, 'v2', 2n)), brief(a))
})
