/** What replication sends and receives is counted by kind, and told every five minutes. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createLogger, type LogRecord, minute, never } from '../../../src/base/index.ts'
import { backend } from '../../../src/crypto/index.ts'
import type { RequestContext, RequestHandler } from '../../../src/network/index.ts'
import {
  chunkAddressOf,
  encodeReplicationMessage,
  type PeerId,
  type ReplicationBody,
  TOPIC_REPLICATION,
} from '../../../src/protocol/index.ts'
import { SimClock } from '../../../src/sim/index.ts'
import { createMemoryChunkStore } from '../../../src/storage/index.ts'
import { loneEngine } from './support/engine.ts'

const ALICE = 'a1'.repeat(32) as PeerId
const CONTENT = new Uint8Array(5000)
const HELD = chunkAddressOf(backend().blake3(CONTENT))

test('every five minutes one line of what went by; nothing when nothing did', async () => {
  const records: LogRecord[] = []
  const log = createLogger({ clock: new SimClock(), level: 'info', sink: (record) => records.push(record) })
  const store = createMemoryChunkStore()
  await store.start(never)
  await store.put(HELD, CONTENT)
  const engine = await loneEngine({ log, store })
  await engine.pump.run(() => engine.replication.start(never))
  const lines = () => records.filter(({ message }) => message === 'replication traffic')
  await engine.pump.advance(6 * minute)
  assert.deepEqual(lines(), [])
  const send = (bytes: Uint8Array) =>
    (engine.handlers.get(TOPIC_REPLICATION) as RequestHandler)(bytes, {
      ...{ from: { peer: ALICE }, signal: never, answered: Promise.resolve() },
    } as RequestContext)
  const ask = (body: ReplicationBody) => send(encodeReplicationMessage({ requestId: 1n, body }))
  await ask({ kind: 'fetchRequest', key: HELD })
  await ask({ kind: 'fetchRequest', key: HELD })
  await send(new Uint8Array(9).fill(255))
  await engine.pump.advance(5 * minute)
  assert.equal(lines().length, 1)
  const { kinds, decode_error_rx_count, served } = (lines()[0] as LogRecord).fields as unknown as {
    kinds: Record<string, { tx: number; txBytes: number; rx: number; rxBytes: number }>
    decode_error_rx_count: number
    served: Record<string, number>
  }
  assert.deepEqual([kinds['fetchRequest']?.rx, kinds['fetchResponse']?.tx, decode_error_rx_count], [2, 2, 1])
  const bytes = kinds['fetchResponse']?.txBytes as number
  assert.ok(bytes > 2 * CONTENT.length)
  assert.deepEqual(Object.values(served), [bytes])
  assert.match(
    engine.registry.render(),
    new RegExp(`myrmex_replication_message_bytes_total{kind="fetchResponse",way="tx"} ${bytes}`),
  )
  await engine.pump.advance(10 * minute)
  assert.equal(lines().length, 1)
  await engine.replication.stop()
})
