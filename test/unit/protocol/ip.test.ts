import assert from 'node:assert/strict'
import { isIP } from 'node:net'
import { test } from 'node:test'
import fc from 'fast-check'
import * as ip from '../../../src/protocol/index.ts'

const bytes = (text: string) => ip.parseIp(text) as Uint8Array

test('canonical texts follow RFC 5952', () => {
  const cases: [string, string][] = [
    ['2001:0DB8:0:0:0:0:0:1', '2001:db8::1'],
    ['2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
    ['2001:0:0:1:0:0:0:1', '2001:0:0:1::1'],
    ['2001:db8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
    ['0:0:0:0:0:0:0:0', '::'],
    ['1:0:0:0:0:0:0:0', '1::'],
    ['::FFFF:102:304', '::ffff:1.2.3.4'],
    ['64:ff9b::192.0.2.33', '64:ff9b::c000:221'],
  ]
  for (const [text, canonical] of cases) assert.equal(ip.formatIp(bytes(text)), canonical)
})

test('any address survives a round', () => {
  const v4 = fc.uint8Array({ minLength: 4, maxLength: 4 })
  const v6 = fc.uint8Array({ minLength: 16, maxLength: 16 }).map((b) => b.map((x) => (x < 160 ? 0 : x)))
  fc.assert(
    fc.property(fc.oneof(v4, v6), (address) => {
      const text = ip.formatIp(address)
      assert.deepEqual(ip.parseIp(text), address)
      assert.equal(isIP(text), address.length === 4 ? 4 : 6)
    }),
  )
})

test('a text is an address exactly when the platform says so', () => {
  const part = fc.constantFrom('', '0', '1', '255', '256', '01', 'ffff', 'G', '12345', '1.2.3.4', '1.2.3', '%1', ' ')
  const text = fc.tuple(fc.array(part, { maxLength: 9 }), fc.constantFrom(':', '.')).map(([p, glue]) => p.join(glue))
  fc.assert(
    fc.property(text, (candidate) => {
      fc.pre(!candidate.includes('%'))
      const lengths: Readonly<Record<number, number | undefined>> = { 4: 4, 6: 16 }
      assert.equal(ip.parseIp(candidate)?.length, lengths[isIP(candidate)])
    }),
    { numRuns: 2_000 },
  )
})

test('ranges', () => {
  const lan = ['127.9.9.9', '10.0.0.1', '172.16.0.1', '172.31.255.255', '192.168.1.1', '169.254.1.1', '100.64.0.1']
  for (const text of [...lan, '100.127.0.1', '::1', 'fc00::1', 'fdff::1', 'fe80::1', 'febf::1']) {
    assert.ok(ip.isLanIp(bytes(text)), text)
  }
  for (const text of ['172.32.0.1', '172.15.0.1', '100.128.0.1', '100.63.0.1', '192.169.0.1', 'fec0::1', 'fb00::1']) {
    assert.ok(!ip.isLanIp(bytes(text)), text)
  }
  assert.ok(ip.isMulticastIp(bytes('239.1.1.1')) && ip.isMulticastIp(bytes('ff02::1')))
  assert.ok(!ip.isMulticastIp(bytes('240.0.0.1')) && !ip.isMulticastIp(bytes('223.0.0.1')))
  assert.ok(
    ip.isUnspecifiedIp(bytes('0.0.0.0')) && ip.isUnspecifiedIp(bytes('::')) && !ip.isUnspecifiedIp(bytes('::1')),
  )
})

test('subnets are those that diversity counts', () => {
  assert.equal(ip.subnetOf('1.2.3.4'), '1.2.3.0/24')
  assert.equal(ip.subnetOf('::ffff:1.2.3.4'), '1.2.3.0/24')
  assert.equal(ip.subnetOf('2001:db8:7:1::1'), '2001:db8:7::/48')
  assert.equal(ip.subnetOf('example.org'), undefined)
  assert.equal(ip.normalizeIp('::ffff:1.2.3.4'), '1.2.3.4')
})
