/** 10^5 hostile datagrams and 10^4 malformed messages: memory stays bounded, and the next peer is served. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MiB } from '../../src/base/index.ts'
import { socketFuzz } from '../fuzz/socket-fuzz.ts'
import { quicSkip } from '../support/transports.ts'

const SEED = Number(process.env['TEST_SEED'] ?? 20_261_121)
const DATAGRAMS = 100_000
const MESSAGES = 10_000
/** Windows, Initials and half-open handshakes have limits that add up to less. */
const MAX_GROWTH_BYTES = 200 * MiB

test(`a node survives hostile datagrams and messages (seed ${SEED})`, {
  skip: quicSkip,
  timeout: 300_000,
}, async (t) => {
  const report = await socketFuzz({
    datagrams: DATAGRAMS,
    messages: MESSAGES,
    seed: SEED,
    log: (text) => t.diagnostic(text),
  })
  const { before, after } = report
  const grown = after.rssBytes - before.rssBytes
  assert.ok(grown < MAX_GROWTH_BYTES, `grew by ${(grown / MiB).toFixed(0)} MiB`)
  // A socket buffer that overflows loses some; most must have got in, or nothing was tested.
  assert.ok(after.counters.datagramsReceived > DATAGRAMS / 2, `${after.counters.datagramsReceived} datagrams arrived`)
  assert.ok(after.counters.messagesReceived > MESSAGES / 2, `${after.counters.messagesReceived} messages arrived`)
  assert.ok(after.counters.messagesDropped > 0, 'some were too long or reset')
  assert.ok(after.counters.notQuicDatagrams > 0)
  assert.ok(report.tappedAlive, 'garbage from its own address does not end a connection')
  assert.ok(report.freshAnnounceBytes > 5000, 'a new peer is announced to')
})
