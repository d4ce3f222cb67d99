import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decideV1, decideV2, type PublicationEffect } from '../../../src/dht/address-authority.ts'
import { filterForeign, type Standpoint } from '../../../src/dht/address-filter.ts'
import type { SignedAddressRecord } from '../../../src/protocol/index.ts'
import { brief, direct, peerOf, relay, typed } from './support/addresses.ts'

const wan: Standpoint = { allowLoopback: false, arrivedOverLan: false, ownIps: new Set(['9.9.9.9']) }
const lan: Standpoint = { ...wan, arrivedOverLan: true }

function record(sequence: bigint): SignedAddressRecord {
  const empty = new Uint8Array(0)
  return { owner: peerOf('owner'), sequence, records: [], publicKey: empty, signature: empty, encoded: empty }
}
const outcome = (effect: PublicationEffect) => (effect.kind === 'applied' ? brief(effect.addresses) : effect.reason)

test('V1: sequences only grow and 0 is refused', () => {
  const addresses = [direct('1.1.1.1:1')]
  assert.deepEqual(outcome(decideV1(undefined, { sequence: 5n, addresses }, wan)), ['1.1.1.1:1/direct'])
  assert.equal(outcome(decideV1(undefined, { sequence: 0n, addresses }, wan)), 'notNewer')
  assert.equal(outcome(decideV1({ sequence: 5n }, { sequence: 5n, addresses }, wan)), 'notNewer')
  assert.equal(outcome(decideV1({ sequence: 5n }, { sequence: 4n, addresses }, wan)), 'notNewer')
  assert.deepEqual(outcome(decideV1({ sequence: 5n }, { sequence: 6n, addresses }, wan)), ['1.1.1.1:1/direct'])
})

test('V1: a replacement is sorted, capped and stripped of wildcards', () => {
  const addresses = [typed('2.2.2.2:2'), direct('1.1.1.1:1'), typed('0.0.0.0:1'), relay('5.5.5.5:5')]
  assert.deepEqual(outcome(decideV1(undefined, { sequence: 1n, addresses }, wan)), [
    '5.5.5.5:5/relay',
    '1.1.1.1:1/direct',
  ])
})

test('V1: an empty list, only wildcards, only LAN from afar, only loopback: nothing changes, sequence included', () => {
  for (const addresses of [[], [typed('0.0.0.0:1')], [typed('10.0.0.1:1')], [typed('127.0.0.1:1')]]) {
    assert.equal(decideV1(undefined, { sequence: 1n, addresses }, wan).kind, 'ignored')
  }
  assert.deepEqual(outcome(decideV1(undefined, { sequence: 1n, addresses: [typed('10.0.0.1:1')] }, lan)), [
    '10.0.0.1:1/lan',
  ])
})

test('V1 never touches a peer with a V2, whatever its sequence', () => {
  const stored = { sequence: 1n, record: record(1n) }
  const incoming = { sequence: 2n ** 64n - 1n, addresses: [direct('1.1.1.1:1')] }
  assert.equal(outcome(decideV1(stored, incoming, wan)), 'signedKnown')
})

test('V2: the first one wins over any V1; later ones by sequence', () => {
  const view = { quic: [direct('3.3.3.3:3')], others: 0 }
  assert.deepEqual(outcome(decideV2({ sequence: 100n }, record(1n), view, wan)), ['3.3.3.3:3/direct'])
  const stored = { sequence: 5n, record: record(5n) }
  assert.equal(outcome(decideV2(stored, record(5n), view, wan)), 'notNewer')
  assert.equal(outcome(decideV2(stored, record(4n), view, wan)), 'notNewer')
  assert.deepEqual(outcome(decideV2(stored, record(6n), view, wan)), ['3.3.3.3:3/direct'])
})

test('V2: filtered to nothing it changes nothing, so that a corrected set may reuse the sequence', () => {
  assert.equal(outcome(decideV2(undefined, record(9n), { quic: [typed('10.0.0.1:1')], others: 0 }, wan)), 'empty')
  assert.deepEqual(outcome(decideV2(undefined, record(9n), { quic: [direct('1.1.1.1:1')], others: 0 }, wan)), [
    '1.1.1.1:1/direct',
  ])
})

test('V2: the QUIC view may become empty when other transports stay; the proof is kept as it came', () => {
  const incoming = record(9n)
  const effect = decideV2(undefined, incoming, { quic: [], others: 1 }, wan)
  assert.deepEqual(outcome(effect), [])
  assert.equal(effect.kind === 'applied' && effect.publication.record, incoming)
})

test('LAN addresses are stripped without LAN source or shared WAN, Direct-typed private ones too', () => {
  const addresses = [direct('1.1.1.1:1'), direct('192.168.0.2:1')]
  assert.deepEqual(brief(filterForeign(addresses, wan)), ['1.1.1.1:1/direct'])
  assert.deepEqual(brief(filterForeign(addresses, lan)), ['1.1.1.1:1/direct', '192.168.0.2:1/lan'])
})

test('LAN addresses stay when the subject shares our WAN; a relay address there is no proof of it', () => {
  const shared = filterForeign([direct('9.9.9.9:7'), typed('192.168.0.2:1')], wan)
  assert.deepEqual(brief(shared), ['9.9.9.9:7/direct', '192.168.0.2:1/lan'])
  assert.deepEqual(brief(filterForeign([relay('9.9.9.9:7'), typed('192.168.0.2:1')], wan)), ['9.9.9.9:7/relay'])
})

test('loopback needs LAN sense and the flag', () => {
  assert.deepEqual(filterForeign([typed('127.0.0.1:1')], lan), [])
  assert.equal(filterForeign([typed('127.0.0.1:1')], { ...lan, allowLoopback: true }).length, 1)
})
