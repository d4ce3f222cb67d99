import assert from 'node:assert/strict'
import { test } from 'node:test'
import { InboundLimits } from '../../../src/network/inbound-limits.ts'
import { InboundQueue } from '../../../src/network/inbound-queue.ts'
import { NETWORK_DEFAULTS } from '../../../src/network/index.ts'

test('a burst of 100 from one IP, then 1000 a minute; others and loopback are not touched', () => {
  const limits = new InboundLimits({ ...NETWORK_DEFAULTS, maxConnectionsPerIp: 10_000 })
  for (let i = 0; i < 100; i++) assert.equal(limits.admit('9.9.9.9', 0, 0), 'admitted')
  assert.equal(limits.admit('9.9.9.9', 0, 0), 'rate')
  assert.equal(limits.admit('9.9.9.8', 0, 0), 'admitted')
  assert.equal(limits.admit('9.9.9.9', 0, 61), 'admitted')
  assert.equal(limits.admit('9.9.9.9', 0, 62), 'rate')
  for (let i = 0; i < 500; i++) assert.equal(limits.admit('127.0.0.1', 0, 0), 'admitted')
})

test('connections of one IP are counted while they live', () => {
  const limits = new InboundLimits({ ...NETWORK_DEFAULTS, maxConnectionsPerIp: 2 })
  assert.equal(limits.admit('9.9.9.9', 0, 0), 'admitted')
  assert.equal(limits.admit('9.9.9.9', 0, 0), 'admitted')
  assert.equal(limits.admit('9.9.9.9', 0, 0), 'perIp')
  limits.left('9.9.9.9')
  assert.equal(limits.admit('9.9.9.9', 0, 0), 'admitted')
  assert.equal(limits.admit('8.8.8.8', 10_000, 0), 'total')
})

test('the queue is bounded in messages and bytes, for all and for each', () => {
  const options = { queueMessages: 4, queueBytes: 100, queueMessagesPerConnection: 2 }
  const queue = new InboundQueue<string>(options)
  const bytes = (length: number) => new Uint8Array(length)
  assert.equal(queue.push('a', bytes(10)), true)
  assert.equal(queue.push('a', bytes(10)), true)
  assert.equal(queue.push('a', bytes(10)), false, 'its own share')
  assert.equal(queue.push('b', bytes(81)), false, 'bytes of all')
  assert.equal(queue.push('b', bytes(80)), true)
  assert.equal(queue.push('c', bytes(0)), true)
  assert.equal(queue.push('d', bytes(0)), false, 'messages of all')
  queue.forget('a')
  assert.equal(queue.messages, 2)
  assert.equal(queue.bytes, 80)
})

test('links take turns', () => {
  const queue = new InboundQueue<string>(NETWORK_DEFAULTS)
  for (const link of ['flood', 'flood', 'flood', 'quiet']) queue.push(link, new Uint8Array(1))
  const order = Array.from({ length: 5 }, () => queue.next()?.link)
  assert.deepEqual(order, ['flood', 'quiet', 'flood', 'flood', undefined])
  assert.equal(queue.bytes, 0)
})
