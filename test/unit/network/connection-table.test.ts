import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { ConnectionTable, type Entry } from '../../../src/network/connection-table.ts'
import type { PeerId } from '../../../src/protocol/index.ts'

const peer = 'a'.repeat(64) as PeerId
const other = 'b'.repeat(64) as PeerId
const table = () => new ConnectionTable<Entry>({ simultaneousOpenMs: 6000 })
const entry = (fields: Partial<Entry> = {}): Entry => ({
  peer,
  remote: { ip: '1.2.3.4', port: 5 },
  side: 'dialler',
  openedAtMs: 0,
  selfIsLower: true,
  identified: true,
  ...fields,
})

test('holds by peer and by socket, and forgets', () => {
  const t = table()
  const [a, b] = [entry(), entry({ peer: other, remote: { ip: '::1', port: 5 } })]
  t.add(a)
  t.add(b)
  assert.equal(t.size, 2)
  assert.equal(t.used(peer), a)
  assert.equal(t.at({ ip: '::1', port: 5 }), b)
  assert.deepEqual(t.usable(), [a, b])
  assert.equal(t.remove(a), true)
  assert.equal(t.remove(a), false)
  assert.equal(t.used(peer), undefined)
  assert.equal(t.at(a.remote), undefined)
  assert.equal(t.size, 1)
})

test('a connection on which the peer has not spoken is never used', () => {
  const t = table()
  t.add(entry({ identified: false }))
  assert.equal(t.used(peer), undefined)
  assert.deepEqual(t.usable(), [])
})

test('simultaneous open: the dial of the lower fingerprint carries the messages, in either order', () => {
  for (const selfIsLower of [true, false]) {
    for (const sides of [
      ['dialler', 'acceptor'],
      ['acceptor', 'dialler'],
    ] as const) {
      const t = table()
      const entries = sides.map((side, i) => entry({ side, selfIsLower, openedAtMs: i * 100 }))
      for (const one of entries) t.add(one)
      assert.equal(t.used(peer)?.side, selfIsLower ? 'dialler' : 'acceptor')
      const lost = t.lostDials(peer)
      assert.deepEqual(lost, selfIsLower ? [] : entries.filter(({ side }) => side === 'dialler'))
    }
  }
})

test('long apart it is no simultaneous open: the newer is used, none of ours is closed', () => {
  const t = table()
  const [old, young] = [entry(), entry({ side: 'acceptor', openedAtMs: 60_000 })]
  t.add(old)
  t.add(young)
  assert.equal(t.used(peer), young)
  assert.deepEqual(t.lostDials(peer), [])
  t.remove(young)
  assert.equal(t.used(peer), old)
})

test('of two from the same side the newer is used', () => {
  const t = table()
  const [old, young] = [entry({ side: 'acceptor' }), entry({ side: 'acceptor', openedAtMs: 10 })]
  t.add(old)
  t.add(young)
  assert.equal(t.used(peer), young)
})

test('what is above the limit of a peer: the oldest, never the used one', () => {
  const t = table()
  const entries = [0, 1, 2, 3].map((i) => entry({ side: 'acceptor', openedAtMs: i * 10_000, identified: i === 0 }))
  for (const one of entries) t.add(one)
  assert.deepEqual(t.excess(peer, 3), [entries[1]])
  assert.deepEqual(t.excess(peer, 4), [])
})

test('property: whether anybody is usable agrees with a full scan after any operations', () => {
  const peers = [peer, other]
  const operation = fc.record({
    what: fc.constantFrom('add', 'add identified', 'identify', 'tell', 'remove'),
    // Few, so that most are met again: removed ones too.
    which: fc.nat(11),
  })
  fc.assert(
    fc.property(fc.array(operation, { maxLength: 60 }), (operations) => {
      const t = table()
      const entries = Array.from({ length: 12 }, (_, i) => ({
        ...entry({ peer: peers[i % 2] as PeerId, remote: { ip: '1.2.3.4', port: i >> 1 } }),
        identified: false,
      }))
      for (const { what, which } of operations) {
        const one = entries[which] as (typeof entries)[number]
        if (what === 'add identified' && !t.has(one)) one.identified = true
        if (what.startsWith('add') && !t.has(one)) t.add(one)
        if (what === 'identify') one.identified = true
        if (what === 'identify' || what === 'tell') t.identified(one)
        if (what === 'remove') t.remove(one)
        assert.equal(t.anyUsable, t.usable().length > 0)
        assert.equal(
          t.anyUsable,
          t.all().some(({ identified }) => identified),
        )
      }
    }),
  )
})
