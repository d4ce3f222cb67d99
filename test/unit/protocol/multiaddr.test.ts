import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import * as protocol from '../../../src/protocol/index.ts'

const PEER = 'ab'.repeat(32) as protocol.PeerId
const HASH = 'uEiAY_lIKkqTgA3_ezQIPAF_zjAD6TIZNLZhHFlDxV215vA'
const parse = protocol.parseMultiaddr
const refused = { code: 'PROTOCOL_MULTIADDR' }

test('an endpoint has one text, with or without an owner', () => {
  const plain = protocol.quicMultiaddr({ ip: '2001:0DB8::1', port: 9 })
  assert.equal(plain.text, '/ip6/2001:db8::1/udp/9/quic')
  assert.deepEqual(parse(plain.text), plain)
  const owned = protocol.quicMultiaddr({ ip: '1.2.3.4', port: 9 }, PEER)
  assert.deepEqual(parse(owned.text), owned)
  assert.deepEqual(protocol.withPeerId(parse('/ip4/1.2.3.4/udp/9/quic'), PEER), owned)
  assert.deepEqual(protocol.withPeerId(owned, undefined), parse('/ip4/1.2.3.4/udp/9/quic'))
  assert.equal(protocol.quicMultiaddr({ ip: '::ffff:1.2.3.4', port: 9 }).text, '/ip4/1.2.3.4/udp/9/quic')
  for (const port of [-1, 65_536, 1.5]) assert.throws(() => protocol.quicMultiaddr({ ip: '::1', port }), refused)
  assert.throws(() => protocol.quicMultiaddr({ ip: 'localhost', port: 1 }), refused)
})

test('an IPv4-mapped loopback does not pass for a public address', () => {
  const address = parse('/ip6/::ffff:127.0.0.1/udp/9/quic')
  assert.equal(address.text, '/ip6/::ffff:127.0.0.1/udp/9/quic')
  assert.deepEqual(address.socket, { ip: '127.0.0.1', port: 9 })
  assert.ok(protocol.isLoopback(address) && protocol.isLan(address))
  assert.equal(protocol.effectiveType(address, protocol.ADDRESS_TYPE.direct), protocol.ADDRESS_TYPE.lan)
})

test('WebRTC forms are strict where QUIC forms are lenient', () => {
  const good = `/ip4/1.2.3.4/udp/443/webrtc-direct/certhash/${HASH}`
  assert.equal(parse(good).transport, 'webrtc-direct')
  for (const bad of [
    good.replace('/443', '/0'),
    good.slice(1),
    `/${good}`,
    `${good}/`,
    `${good}/certhash/${HASH}`,
    `${good}=`,
    good.replace('vA', 'vB'),
    `${good}/p2p/${PEER}/`,
  ]) {
    assert.throws(() => parse(bad), refused, bad)
  }
  const quic = '/ip4/1.2.3.4/udp/443/quic'
  for (const odd of [quic.slice(1), `/${quic}`, `${quic}/`, `${quic}//`]) assert.equal(parse(odd).text, quic)
  assert.equal(parse(`${quic}/p2p/${PEER.toUpperCase()}/`).text, `${quic}/p2p/${PEER}`)
})

test('other transports', () => {
  assert.equal(parse('/lora/dev/868').text, '/lora/dev/868')
  assert.equal(parse('/lorawan/70B3D5').text, '/lorawan/70B3D5')
  for (const bad of ['/lora/dev', '/lora/dev/x', '/lorawan', '/bt/AA:BB/rfcomm/5', '/ble/AA:BB:CC:DD:EE:FF/rfcomm/5']) {
    assert.throws(() => parse(bad), refused, bad)
  }
})

test('whatever is read is canonical after one reading', () => {
  const part = fc.constantFrom(
    ...['', 'ip4', 'ip6', '1.2.3.4', '::1', '::FFFF:1.2.3.4', 'udp', 'tcp', '9', '+9', '0009', '65536', 'quic'],
    ...[
      'p2p',
      PEER,
      PEER.toUpperCase(),
      'webrtc-direct',
      'certhash',
      HASH,
      'bt',
      'AA:bb:CC:dd:EE:ff',
      'rfcomm',
      'lora',
    ],
  )
  const shaped = fc
    .tuple(fc.constantFrom('ip4', 'ip6'), part, fc.constantFrom('udp', 'tcp'), part, fc.array(part, { maxLength: 5 }))
    .map(([a, b, c, d, rest]) => [a, b, c, d, ...rest])
  const text = fc.oneof(shaped, fc.array(part, { maxLength: 9 })).map((parts) => `/${parts.join('/')}`)
  fc.assert(
    fc.property(text, (candidate) => {
      const address = protocol.tryParseMultiaddr(candidate)
      if (address) assert.deepEqual(parse(address.text), address)
    }),
    { numRuns: 3_000 },
  )
})

test('an endless text is refused by its length', () => {
  assert.throws(() => parse(`${'/'.repeat(600)}ip4/1.2.3.4/udp/9/quic`), refused)
})
