/** The dial plan scenarios of dht.md 17, by name. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type DialContext, dialPlan } from '../../../src/network/index.ts'
import { ADDRESS_TYPE, type AddressType, parseMultiaddr, type TypedAddress } from '../../../src/protocol/index.ts'

const { relay, direct, unverified, lan } = ADDRESS_TYPE
const nobody: DialContext = { ownWanIps: [], ownLanIps: [], allowLoopback: false }

function plan(addresses: readonly (readonly [string, AddressType])[], context: Partial<DialContext> = {}): string[] {
  const typed: TypedAddress[] = addresses.map(([text, type]) => ({ address: parseMultiaddr(text), type }))
  return dialPlan(typed, { ...nobody, ...context }).map(
    ({ socket, relay }) => `${socket.ip} ${socket.port}${relay ? ' relay' : ''}`,
  )
}

test('empty gives empty', () => assert.deepEqual(plan([]), []))

test('relay and direct: two, relay first', () => {
  const addresses = [
    ['/ip4/9.9.9.9/udp/1/quic', direct],
    ['/ip4/8.8.8.8/udp/2/quic', relay],
  ] as const
  assert.deepEqual(plan(addresses), ['8.8.8.8 2 relay', '9.9.9.9 1'])
})

test('dual-stack direct keeps both families, in list order', () => {
  const addresses = [
    ['/ip6/2001:db8::1/udp/1/quic', direct],
    ['/ip4/9.9.9.9/udp/1/quic', direct],
    ['/ip4/9.9.9.10/udp/1/quic', direct],
  ] as const
  assert.deepEqual(plan(addresses), ['2001:db8::1 1', '9.9.9.9 1'])
})

test('a relay on our own WAN is skipped, the next one is taken; alone it leaves an empty plan', () => {
  const own = { ownWanIps: ['8.8.8.8'] }
  assert.deepEqual(plan([['/ip4/8.8.8.8/udp/2/quic', relay]], own), [])
  const two = [
    ['/ip4/8.8.8.8/udp/2/quic', relay],
    ['/ip4/7.7.7.7/udp/2/quic', relay],
    ['/ip4/6.6.6.6/udp/2/quic', relay],
  ] as const
  assert.deepEqual(plan(two, own), ['7.7.7.7 2 relay'])
})

test('direct beats unverified per family', () => {
  const addresses = [
    ['/ip4/1.1.1.1/udp/1/quic', unverified],
    ['/ip6/2001:db8::1/udp/1/quic', unverified],
    ['/ip4/2.2.2.2/udp/1/quic', direct],
  ] as const
  assert.deepEqual(plan(addresses), ['2001:db8::1 1', '2.2.2.2 1'])
})

test('only unverified keeps both families', () => {
  const addresses = [
    ['/ip4/1.1.1.1/udp/1/quic', unverified],
    ['/ip6/2001:db8::1/udp/1/quic', unverified],
  ] as const
  assert.deepEqual(plan(addresses), ['1.1.1.1 1', '2001:db8::1 1'])
})

test('only LAN is used; with WAN and no shared WAN it is not', () => {
  const only = [['/ip4/192.168.1.5/udp/1/quic', lan]] as const
  assert.deepEqual(plan(only), ['192.168.1.5 1'])
  assert.deepEqual(plan([...only, ['/ip4/9.9.9.9/udp/1/quic', direct]]), ['9.9.9.9 1'])
  assert.deepEqual(plan([...only, ['/ip4/9.9.9.9/udp/1/quic', relay]]), ['9.9.9.9 1 relay'])
})

test('shared WAN: LAN first', () => {
  const addresses = [
    ['/ip4/9.9.9.9/udp/1/quic', direct],
    ['/ip4/7.7.7.7/udp/1/quic', relay],
    ['/ip4/192.168.1.5/udp/1/quic', lan],
  ] as const
  const context = { ownWanIps: ['9.9.9.9'] }
  assert.deepEqual(plan(addresses, context), ['192.168.1.5 1', '7.7.7.7 1 relay', '9.9.9.9 1'])
})

test('the same private prefix alone is not enough, and a relay proves no shared WAN', () => {
  const addresses = [
    ['/ip4/9.9.9.9/udp/1/quic', direct],
    ['/ip4/192.168.1.5/udp/1/quic', lan],
  ] as const
  assert.deepEqual(plan(addresses, { ownLanIps: ['192.168.1.7'] }), ['9.9.9.9 1'])
  const relayed = [
    ['/ip4/9.9.9.9/udp/1/quic', relay],
    ['/ip4/192.168.1.5/udp/1/quic', lan],
  ] as const
  assert.deepEqual(plan(relayed, { ownWanIps: ['9.9.9.9'] }), ['192.168.1.5 1'])
})

test('LAN: own machine, same network, other, forbidden loopback', () => {
  const lans = [
    ['/ip4/127.0.0.1/udp/1/quic', lan],
    ['/ip4/10.0.0.1/udp/1/quic', lan],
    ['/ip4/192.168.1.5/udp/1/quic', lan],
    ['/ip4/192.168.2.9/udp/1/quic', lan],
    ['/ip6/fd00::5/udp/1/quic', lan],
  ] as const
  const first = (context: Partial<DialContext>) => plan(lans, context)[0]
  assert.equal(first({ ownLanIps: ['192.168.2.9'] }), '192.168.2.9 1')
  assert.equal(first({ ownLanIps: ['192.168.1.8'] }), '192.168.1.5 1')
  assert.equal(first({}), '10.0.0.1 1')
  assert.equal(first({ allowLoopback: true }), '127.0.0.1 1')
  assert.deepEqual(plan(lans, { ownLanIps: ['fd00::6'] }), ['fd00::5 1', '10.0.0.1 1'])
})

test('wildcards, port 0 and what is not QUIC are filtered; mapped addresses count as IPv4', () => {
  const addresses = [
    ['/ip4/0.0.0.0/udp/1/quic', direct],
    ['/ip6/::/udp/1/quic', direct],
    ['/ip4/9.9.9.9/udp/0/quic', direct],
    ['/ip4/9.9.9.9/tcp/1', direct],
    ['/ip4/9.9.9.9/udp/1', direct],
    ['/ip6/::ffff:1.2.3.4/udp/1/quic', direct],
    ['/ip4/9.9.9.9/udp/1/quic', direct],
  ] as const
  assert.deepEqual(plan(addresses), ['1.2.3.4 1'])
})
