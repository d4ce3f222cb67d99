import assert from 'node:assert/strict'
import { test } from 'node:test'
import { capAddresses, mergeHint, mergeObserved, normalizeAddresses } from '../../../src/dht/address-entry.ts'
import { selfAddresses } from '../../../src/dht/self-addresses.ts'
import { parseMultiaddr } from '../../../src/protocol/index.ts'
import { brief, direct, relay, typed } from './support/addresses.ts'

test('an oversized list collapses to one relay, the best WAN and the last LAN a family', () => {
  const list = [relay('5.5.5.5:1'), direct('1.1.1.1:1'), typed('2.2.2.2:2'), typed('10.0.0.1:1'), typed('10.0.0.2:2')]
  const v6 = [relay('[2001:db8::5]:1'), typed('[2001:db8::1]:1'), typed('[fd00::1]:1')]
  assert.deepEqual(brief(capAddresses([...list, ...v6])), [
    '5.5.5.5:1/relay',
    '1.1.1.1:1/direct',
    '10.0.0.2:2/lan',
    '2001:db8::5:1/relay',
    '2001:db8::1:1/unverified',
    'fd00::1:1/lan',
  ])
})

test('Direct beats Unverified of its family in either order; LAN stays beside Direct', () => {
  assert.deepEqual(brief(normalizeAddresses([typed('2.2.2.2:2'), direct('1.1.1.1:1')])), ['1.1.1.1:1/direct'])
  assert.deepEqual(brief(normalizeAddresses([direct('1.1.1.1:1'), typed('2.2.2.2:2')])), ['1.1.1.1:1/direct'])
  const both = ['1.1.1.1:1/direct', '10.0.0.1:1/lan']
  assert.deepEqual(brief(normalizeAddresses([typed('10.0.0.1:1'), direct('1.1.1.1:1')])), both)
  assert.deepEqual(brief(normalizeAddresses([direct('1.1.1.1:1'), typed('10.0.0.1:1')])), both)
})

test('a LAN-scope IP is Lan whatever was claimed, IPv4-mapped ones too', () => {
  assert.deepEqual(brief(normalizeAddresses([direct('192.168.1.1:1')])), ['192.168.1.1:1/lan'])
  assert.deepEqual(brief(normalizeAddresses([relay('/ip6/::ffff:10.0.0.9/udp/9/quic')])), ['10.0.0.9:9/lan'])
})

test('wildcards and port 0 vanish, the routable rest stays', () => {
  const list = [typed('0.0.0.0:1'), typed('[::]:1'), typed('1.1.1.1:0'), typed('1.1.1.1:1')]
  assert.deepEqual(brief(normalizeAddresses(list)), ['1.1.1.1:1/unverified'])
})

test('a newer relay replaces the stale one of its family only', () => {
  const current = [relay('5.5.5.5:1'), relay('[2001:db8::5]:1')]
  assert.deepEqual(brief(mergeHint(current, [relay('6.6.6.6:1')])), ['6.6.6.6:1/relay', '2001:db8::5:1/relay'])
})

test('hints upgrade and never demote; the same hint twice changes nothing', () => {
  const unverified = [typed('1.1.1.1:1')]
  const upgraded = mergeHint(unverified, [direct('1.1.1.1:1')])
  assert.deepEqual(brief(upgraded), ['1.1.1.1:1/direct'])
  assert.deepEqual(mergeHint(upgraded, [typed('1.1.1.1:1')]), upgraded)
  assert.deepEqual(mergeHint(upgraded, [direct('1.1.1.1:1')]), upgraded)
  assert.deepEqual(mergeHint(upgraded, [typed('0.0.0.0:1')]), upgraded)
})

test('loopback is not merged beside a routable address, by hint or by connection', () => {
  const routable = [typed('1.1.1.1:1')]
  assert.deepEqual(mergeHint(routable, [typed('127.0.0.1:1')]), routable)
  assert.deepEqual(mergeObserved(routable, [typed('127.0.0.1:1')]), routable)
  assert.deepEqual(brief(mergeHint([typed('127.0.0.1:1')], [typed('127.0.0.1:2')])), ['127.0.0.1:2/lan'])
})

test('own set: a wildcard says nothing, a bound address its real port, loopback only where allowed', () => {
  const none = { observed: [], allowLoopback: false }
  assert.deepEqual(selfAddresses({ ...none, listen: [{ ip: '0.0.0.0', port: 5 }] }), [])
  assert.deepEqual(brief(selfAddresses({ ...none, listen: [{ ip: '9.9.9.9', port: 5 }] })), ['9.9.9.9:5/unverified'])
  const loopback = { observed: [], listen: [{ ip: '127.0.0.1', port: 5 }] }
  assert.deepEqual(selfAddresses({ ...loopback, allowLoopback: false }), [])
  assert.deepEqual(brief(selfAddresses({ ...loopback, allowLoopback: true })), ['127.0.0.1:5/lan'])
})

test('own set: relay first, a proven address beats an unverified one, the later observation wins a tie', () => {
  const socket = (ip: string) => ({ ip, port: 1 })
  const observed = [
    { socket: socket('3.3.3.3'), proven: false },
    { socket: socket('4.4.4.4'), proven: false },
  ]
  const sources = { observed, listen: [socket('10.0.0.1'), socket('8.8.8.8')], allowLoopback: false }
  assert.deepEqual(brief(selfAddresses(sources)), ['4.4.4.4:1/unverified', '10.0.0.1:1/lan'])
  const better = { ...sources, observed: [{ socket: socket('3.3.3.3'), proven: true }, ...observed.slice(1)] }
  const withRelay = { ...better, relay: parseMultiaddr('/ip4/7.7.7.7/udp/7/quic') }
  assert.deepEqual(brief(selfAddresses(withRelay)), ['7.7.7.7:7/relay', '3.3.3.3:1/direct', '10.0.0.1:1/lan'])
})
