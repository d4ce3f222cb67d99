import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  formatCloseGroupCache,
  formatRoutingSnapshot,
  maySaveSnapshot,
  parseCloseGroupCache,
  parseRoutingSnapshot,
} from '../../../src/dht/peer-cache.ts'
import { peerOf, typed } from './support/addresses.ts'

const HOUR = 3_600_000
const NOW = 1_800_000_000_000
const self = peerOf('self')
const peers = [
  { peer: peerOf('a'), addresses: [typed('1.1.1.1:1')], score: 0.5 },
  { peer: peerOf('b'), addresses: [typed('[2001:db8::1]:2')], score: 0.25 },
]

test('close group cache: round trip, the age limit, a stamp from the future', () => {
  const text = formatCloseGroupCache(peers, NOW)
  const read = parseCloseGroupCache(text, NOW, HOUR)
  assert.deepEqual(
    read?.map(({ peer, score }) => [peer, score]),
    [
      [peerOf('a'), 0.5],
      [peerOf('b'), 0.25],
    ],
  )
  assert.deepEqual(
    read?.[1]?.addresses.map(({ text: t }) => t),
    ['/ip6/2001:db8::1/udp/2/quic'],
  )
  assert.ok(parseCloseGroupCache(text, NOW + HOUR, HOUR))
  assert.equal(parseCloseGroupCache(text, NOW + HOUR + 1000, HOUR), undefined)
  assert.ok(parseCloseGroupCache(text, NOW - 300_000, HOUR))
  assert.equal(parseCloseGroupCache(text, NOW - 301_000, HOUR), undefined)
})

test('close group cache: nonsense is no cache, a peer without a finite score is dropped', () => {
  for (const text of ['', '[]', 'null', '{"peers":3,"saved_at_epoch_secs":1800000000}', '{"peers":[]}'])
    assert.equal(parseCloseGroupCache(text, NOW, HOUR), undefined)
  const file = JSON.parse(formatCloseGroupCache(peers, NOW))
  file.peers[0].trust.score = null
  file.peers.push(null, { peer_id: 'zz', addresses: [] })
  assert.deepEqual(
    parseCloseGroupCache(JSON.stringify(file), NOW, HOUR)?.map(({ peer }) => peer),
    [peerOf('b')],
  )
})

test('snapshot: round trip; owner, version and both ends of its age are checked; too many peers are cut', () => {
  const text = formatRoutingSnapshot(self, peers, NOW)
  const read = (t: string, owner = self, now = NOW) => parseRoutingSnapshot(t, owner, now, 7 * 24 * HOUR)
  assert.deepEqual(
    read(text)?.peers.map(({ peer }) => peer),
    [peerOf('a'), peerOf('b')],
  )
  assert.equal(read(text, peerOf('other')), undefined)
  assert.equal(read(text.replace('"schema_version":1', '"schema_version":2')), undefined)
  assert.equal(read(text, self, NOW + 7 * 24 * HOUR + 1000), undefined)
  assert.equal(read(text, self, NOW - 301_000), undefined)
  const many = JSON.parse(text)
  many.peers = Array.from({ length: 1025 }, (_, i) => ({
    peer_id: peerOf(`m${i}`),
    addresses: ['/ip4/1.1.1.1/udp/1/quic'],
  }))
  assert.deepEqual([read(JSON.stringify(many))?.peers.length, read(JSON.stringify(many))?.truncated], [1024, true])
})

test('snapshot: not before the restore is resolved, no shrinking for an hour, never empty', () => {
  const restored = { peers: 10, at: 0 }
  assert.equal(maySaveSnapshot(50, undefined, 0, HOUR), false)
  assert.equal(maySaveSnapshot(9, restored, HOUR - 1, HOUR), false)
  assert.equal(maySaveSnapshot(10, restored, 0, HOUR), true)
  assert.equal(maySaveSnapshot(9, restored, HOUR, HOUR), true)
  assert.equal(maySaveSnapshot(0, { peers: 0, at: 0 }, HOUR, HOUR), false)
})
