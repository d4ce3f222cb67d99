/** The failure memory scenarios of dht.md 17, by name. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { minute } from '../../../src/base/index.ts'
import { DialMemory } from '../../../src/network/dial-memory.ts'
import { IdentityMemory } from '../../../src/network/identity-memory.ts'
import { NETWORK_DEFAULTS } from '../../../src/network/index.ts'
import type { PeerId } from '../../../src/protocol/index.ts'

const [p, q] = ['p'.repeat(64) as PeerId, 'q'.repeat(64) as PeerId]
const direct = (ip: string, port: number) => ({ socket: { ip, port }, relay: false })
const relay = (ip: string, port: number) => ({ socket: { ip, port }, relay: true })
const memory = () => new DialMemory(NETWORK_DEFAULTS)

test('a failure is recorded, expires and is cleared by success; keys are independent', () => {
  const m = memory()
  const [a, b] = [direct('1.2.3.4', 1), direct('1.2.3.4', 2)]
  m.failed(a, 0)
  assert.equal(m.mayDial(p, a, 1), false)
  assert.equal(m.mayDial(q, a, 30 * minute - 1), false)
  assert.equal(m.mayDial(p, b, 1), true)
  assert.equal(m.mayDial(p, a, 30 * minute), true)
  m.failed(a, 0)
  m.succeeded(a.socket)
  assert.equal(m.mayDial(p, a, 1), true)
})

test('mapped addresses are the same address', () => {
  const m = memory()
  m.failed(direct('::ffff:1.2.3.4', 1), 0)
  assert.equal(m.mayDial(p, direct('1.2.3.4', 1), 1), false)
})

test('four distinct relay ports suppress unseen relay ports of the IP; direct dials are unaffected; success clears', () => {
  const m = memory()
  for (const port of [1, 2, 3]) m.failed(relay('5.5.5.5', port), 0)
  assert.equal(m.mayDial(p, relay('5.5.5.5', 9), 1), true)
  m.failed(relay('5.5.5.5', 4), 0)
  assert.equal(m.mayDial(p, relay('5.5.5.5', 9), 1), false)
  assert.equal(m.mayDial(p, relay('5.5.5.6', 9), 1), true)
  assert.equal(m.mayDial(p, direct('5.5.5.5', 9), 1), true)
  assert.equal(m.mayDial(p, relay('5.5.5.5', 9), 30 * minute), true)
  m.succeeded({ ip: '5.5.5.5', port: 77 })
  assert.equal(m.mayDial(p, relay('5.5.5.5', 9), 1), true)
})

test('the same relay port four times does not suppress, nor do direct failures', () => {
  const m = memory()
  for (let i = 0; i < 4; i++) m.failed(relay('5.5.5.5', 1), i)
  for (const port of [2, 3, 4, 5]) m.failed(direct('5.5.5.5', port), 0)
  assert.equal(m.mayDial(p, relay('5.5.5.5', 9), 5), true)
})

test('four failures spread over more than the memory do not suppress', () => {
  const m = memory()
  for (const port of [1, 2, 3]) m.failed(relay('5.5.5.5', port), 0)
  m.failed(relay('5.5.5.5', 4), 30 * minute)
  assert.equal(m.mayDial(p, relay('5.5.5.5', 9), 30 * minute + 1), true)
})

test('a publication with a new address clears it and exempts that peer for two minutes; others stay suppressed', () => {
  const m = memory()
  for (const port of [1, 2, 3, 4]) m.failed(relay('5.5.5.5', port), 0)
  const fresh = relay('5.5.5.5', 1)
  m.published(p, [fresh.socket], 10)
  assert.equal(m.mayDial(p, fresh, 11), true)
  assert.equal(m.mayDial(q, fresh, 11), false, 'rule (b) holds for everybody else')
  assert.equal(m.mayDial(p, relay('5.5.5.5', 2), 11), false)
  assert.equal(m.mayDial(p, fresh, 10 + 2 * minute), false)
  m.failed(fresh, 20)
  assert.equal(m.mayDial(p, fresh, 21), false, 'the exemption is from rule (b) only')
})

test('the memory is bounded', () => {
  const m = new DialMemory({ ...NETWORK_DEFAULTS, failureMemoryEntries: 10 })
  for (let port = 1; port <= 20; port++) m.failed(direct('1.1.1.1', port), 0)
  assert.equal(m.mayDial(p, direct('1.1.1.1', 1), 1), true)
  assert.equal(m.mayDial(p, direct('1.1.1.1', 20), 1), false)
})

test('identity failure rests 5 minutes, mismatch 30, the shorter never cuts the longer, success clears', () => {
  const m = new IdentityMemory(NETWORK_DEFAULTS)
  m.remember(p, 'failed', 0)
  assert.equal(m.trouble(p, 5 * minute - 1), 'failed')
  assert.equal(m.trouble(q, 1), undefined)
  assert.equal(m.trouble(p, 5 * minute), undefined)
  m.remember(p, 'mismatch', 0)
  m.remember(p, 'failed', 1)
  assert.equal(m.trouble(p, 30 * minute - 1), 'mismatch')
  m.clear(p)
  assert.equal(m.trouble(p, 1), undefined)
})
