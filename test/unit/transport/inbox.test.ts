import assert from 'node:assert/strict'
import { test } from 'node:test'
import { INBOX_MAX_BYTES, INBOX_MAX_MESSAGES, Inbox } from '../../../src/transport/inbox.ts'

const message = (length: number) => new Uint8Array(length)

test('messages wait for a handler, in order, and go straight to it afterwards', () => {
  const inbox = new Inbox()
  const seen: number[] = []
  inbox.deliver(message(1))
  inbox.deliver(message(2))
  inbox.handler = ({ length }) => seen.push(length)
  inbox.deliver(message(3))
  assert.deepEqual(seen, [1, 2, 3])
  assert.equal(inbox.dropped, 0)
})

test('few messages and few bytes wait; what is too much is counted and lost', () => {
  const many = new Inbox()
  for (let i = 0; i < INBOX_MAX_MESSAGES + 5; i++) many.deliver(message(1))
  assert.equal(many.dropped, 5)
  const large = new Inbox()
  large.deliver(message(INBOX_MAX_BYTES - 10))
  large.deliver(message(11))
  large.deliver(message(10))
  assert.equal(large.dropped, 1)
  const seen: number[] = []
  large.handler = ({ length }) => seen.push(length)
  assert.deepEqual(seen, [INBOX_MAX_BYTES - 10, 10])
})

test('a closed inbox delivers nothing', () => {
  const inbox = new Inbox()
  inbox.deliver(message(1))
  inbox.close()
  let calls = 0
  inbox.handler = () => calls++
  inbox.deliver(message(1))
  assert.equal(calls, 0)
})
