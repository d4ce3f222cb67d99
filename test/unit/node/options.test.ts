import assert from 'node:assert/strict'
import { test } from 'node:test'
import { NodeError } from '../../../src/node/errors.ts'
import { parseSocketAddress, resolveNodeSettings } from '../../../src/node/options.ts'

const refused = (request: Parameters<typeof resolveNodeSettings>[0], pattern: RegExp) =>
  assert.throws(
    () => resolveNodeSettings(request),
    (error) => error instanceof NodeError && pattern.test(error.message),
  )

test('free payment never meets a public network', () => {
  refused({ rootDir: '', payment: 'free' }, /does not go with --network-mode production/)
  refused({ rootDir: '', payment: 'free', mode: 'testnet', bootstrap: ['8.8.8.8:1'] }, /8\.8\.8\.8 is a public address/)
  refused({ rootDir: '', payment: 'free', mode: 'development', bootstrap: ['[2001:db8::1]:1'] }, /public address/)
  assert.equal(
    resolveNodeSettings({
      rootDir: '',
      payment: 'free',
      mode: 'development',
      bootstrap: ['127.0.0.1:1', '192.168.1.2:3'],
    }).payment,
    'free',
  )
})

test('payment is required by default, and then needs a rewards address', () => {
  refused({ rootDir: '', mode: 'development' }, /needs --rewards-address/)
  refused({ rootDir: '', rewardsAddress: '0x12' }, /0x and 40 hex digits/)
  const settings = resolveNodeSettings({ rootDir: '', rewardsAddress: `0x${'ab'.repeat(20)}` })
  assert.equal(settings.payment, 'required')
  assert.equal(settings.mode, 'production')
  assert.equal(settings.seeds.length, 7)
  assert.equal(settings.preset.allowLoopback, false)
})

test('socket addresses of both families', () => {
  assert.deepEqual(parseSocketAddress('127.0.0.1:80'), { ip: '127.0.0.1', port: 80 })
  assert.deepEqual(parseSocketAddress('[::1]:80'), { ip: '::1', port: 80 })
  assert.deepEqual(parseSocketAddress('[::ffff:1.2.3.4]:80'), { ip: '1.2.3.4', port: 80 })
  for (const bad of [
    '',
    '127.0.0.1',
    '127.0.0.1:0',
    '127.0.0.1:65536',
    '::1:80',
    'localhost:80',
    '/ip4/1.2.3.4/udp/1/quic',
    '1.2.3:4',
  ]) {
    assert.throws(() => parseSocketAddress(bad), NodeError, bad)
  }
})
