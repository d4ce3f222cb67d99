import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CodedError, createLogger, type LogRecord, never } from '../../../src/base/index.ts'
import { backend } from '../../../src/crypto/index.ts'
import type { RequestContext, RequestHandler } from '../../../src/network/index.ts'
import {
  type ChunkAddress,
  chunkAddressOf,
  decodeReplicationMessage,
  encodeReplicationMessage,
  type PeerId,
  type ReplicationBody,
  TOPIC_REPLICATION,
  TOPIC_SUBTREE_AUDIT,
} from '../../../src/protocol/index.ts'
import type { ReplicationOptions } from '../../../src/replication/index.ts'
import { SimClock } from '../../../src/sim/index.ts'
import { type ChunkStore, createMemoryChunkStore } from '../../../src/storage/index.ts'
import { loneEngine } from './support/engine.ts'

const ALICE = 'a1'.repeat(32) as PeerId
const CONTENT = new Uint8Array([1, 2, 3])
const HELD = chunkAddressOf(backend().blake3(CONTENT))
const MISSING = 'ee'.repeat(32) as ChunkAddress
const BYTES32 = new Uint8Array(32).fill(9)

/** Everything that can go on without new input has gone on. */
const turns = () => new Promise(setImmediate)

/** A store of one chunk, whose bytes come as `get` says. */
async function storeOf(get?: ChunkStore['get']): Promise<ChunkStore> {
  const memory = createMemoryChunkStore()
  await memory.start(never)
  await memory.put(HELD, CONTENT)
  if (get) memory.get = get
  return memory
}

async function open(get?: ChunkStore['get'], options?: Partial<ReplicationOptions>) {
  const given = { store: await storeOf(get), ...(options && { options }) }
  const { replication, handlers, plainUnsubscribed } = await loneEngine(given)
  await replication.start(never)
  const state = { answered: Promise.resolve() }
  const lanes: (string | undefined)[] = []
  const raw = (topic: string, bytes: Uint8Array, peer = ALICE) =>
    inLane({ from: { peer }, signal: never, ...state } as RequestContext, (context) =>
      (handlers.get(topic) as RequestHandler)(bytes, context),
    )
  const inLane = async <T>(context: RequestContext, work: (context: RequestContext) => Promise<T>) => {
    const answer = await work(context)
    lanes.push(context.lane)
    return answer
  }
  const ask = async (body: ReplicationBody, topic = TOPIC_REPLICATION, peer = ALICE) => {
    const answer = await raw(topic, encodeReplicationMessage({ requestId: 77n, body }), peer)
    if (!answer) return undefined
    const message = decodeReplicationMessage(answer as Uint8Array)
    assert.equal(message.requestId, 77n)
    return message.body
  }
  return { state, raw, ask, lanes, replication, handlers, unsubscribed: plainUnsubscribed }
}

test('a neighbour sync is answered with empty hints and bootstrapping = true', async () => {
  const { ask } = await open()
  const hints = { replicaHints: [HELD], paidHints: [MISSING], bootstrapping: false }
  assert.deepEqual(await ask({ kind: 'neighborSyncRequest', ...hints }), {
    kind: 'neighborSyncResponse',
    replicaHints: [],
    paidHints: [],
    bootstrapping: true,
    rejectedKeys: [],
  })
})

test('verification tells what is held, and pays no list', async () => {
  const { ask } = await open()
  const answer = await ask({ kind: 'verificationRequest', keys: [HELD, MISSING], paidListCheckIndices: [1] })
  assert.deepEqual(answer, {
    kind: 'verificationResponse',
    results: [
      { key: HELD, present: true },
      { key: MISSING, present: false, paid: false },
    ],
  })
  const outOfRange = await ask({ kind: 'verificationRequest', keys: [HELD], paidListCheckIndices: [9] })
  assert.deepEqual(outOfRange, { kind: 'verificationResponse', results: [{ key: HELD, present: true }] })
  const moreIndexes = await ask({ kind: 'verificationRequest', keys: [HELD], paidListCheckIndices: [0, 0] })
  assert.deepEqual(moreIndexes, { kind: 'verificationResponse', results: [] })
  const tooMany = await ask({ kind: 'verificationRequest', keys: new Array(8193).fill(HELD), paidListCheckIndices: [] })
  assert.deepEqual(tooMany, { kind: 'verificationResponse', results: [] })
})

test('a fetch gives the bytes, says that there are none, or that they cannot be read', async () => {
  const { ask } = await open()
  assert.deepEqual(await ask({ kind: 'fetchRequest', key: HELD }), {
    kind: 'fetchResponse',
    result: { kind: 'success', key: HELD, data: CONTENT },
  })
  assert.deepEqual(await ask({ kind: 'fetchRequest', key: MISSING }), {
    kind: 'fetchResponse',
    result: { kind: 'notFound', key: MISSING },
  })
  const broken = await open(() => Promise.reject(new CodedError('STORAGE_CORRUPT', 'secret path')))
  const answer = await broken.ask({ kind: 'fetchRequest', key: HELD })
  assert.ok(answer?.kind === 'fetchResponse' && answer.result.kind === 'error')
  assert.ok(!answer.result.reason.includes('secret'))
})

test('the memory of a chunk that was served is given back when its answer has gone, and not before', async () => {
  const read = new Uint8Array(100_000).fill(7)
  const { ask, state } = await open(async () => read)
  const gone = Promise.withResolvers<void>()
  state.answered = gone.promise
  const answer = await ask({ kind: 'fetchRequest', key: HELD })
  assert.ok(answer?.kind === 'fetchResponse' && answer.result.kind === 'success')
  assert.deepEqual([answer.result.data.length, read.length], [100_000, 100_000])
  gone.resolve()
  await turns()
  assert.equal(read.length, 0)
})

test('chunks are answered in the lane of copies, audits in their own, the rest with the hints', async () => {
  const { ask, lanes } = await open()
  await ask({ kind: 'fetchRequest', key: HELD })
  await ask({ kind: 'getCommitmentByPin', pin: BYTES32 })
  await ask({ kind: 'verificationRequest', keys: [HELD], paidListCheckIndices: [] })
  assert.deepEqual(lanes, ['spread', 'audit', 'hints'])
})

test('30.3 nr 10: a peer that fetched more than its share gets an error, others get the chunk', async () => {
  const { ask } = await open(undefined, { fetchBurstBytes: 2 * CONTENT.length, fetchBytesPerSecond: 1 })
  const kinds: unknown[] = []
  for (const peer of [ALICE, ALICE, ALICE, 'b2'.repeat(32) as PeerId]) {
    const answer = await ask({ kind: 'fetchRequest', key: HELD }, TOPIC_REPLICATION, peer)
    kinds.push(answer?.kind === 'fetchResponse' && answer.result.kind)
  }
  assert.deepEqual(kinds, ['success', 'success', 'error', 'success'])
})

test('audits hear that we are bootstrapping, pins that they are not retained', async () => {
  const { ask } = await open()
  const challenge = { challengeId: 5n, nonce: BYTES32, challengedPeer: ALICE }
  const pin = { expectedCommitmentHash: BYTES32 }
  const bootstrapping = { kind: 'bootstrapping', challengeId: 5n }
  assert.deepEqual(await ask({ kind: 'auditChallenge', ...challenge, keys: [HELD] }), {
    kind: 'auditResponse',
    result: bootstrapping,
  })
  assert.deepEqual(await ask({ kind: 'subtreeAuditChallenge', ...challenge, ...pin }, TOPIC_SUBTREE_AUDIT), {
    kind: 'subtreeAuditResponse',
    result: bootstrapping,
  })
  assert.deepEqual(
    await ask({ kind: 'subtreeSliceChallenge', ...challenge, ...pin, openings: [] }, TOPIC_SUBTREE_AUDIT),
    {
      kind: 'subtreeSliceResponse',
      result: { kind: 'rejected', challengeId: 5n, reject: 'protocol', reason: 'the challenge is for another peer' },
    },
  )
  const byPin = await ask({ kind: 'getCommitmentByPin', pin: BYTES32 })
  assert.ok(byPin?.kind === 'getCommitmentByPinResponse' && byPin.result.kind === 'notRetained')
})

test('pointers are not held; too many states asked get no answer', async () => {
  const { ask } = await open()
  assert.deepEqual(await ask({ kind: 'pointerStateRequest', addresses: [HELD, MISSING] }), {
    kind: 'pointerStateResponse',
    states: [undefined, undefined],
  })
  assert.equal(await ask({ kind: 'pointerStateRequest', addresses: new Array(513).fill(HELD) }), undefined)
  const fetched = await ask({ kind: 'pointerFetchRequest', address: HELD })
  assert.ok(fetched?.kind === 'pointerFetchResponse' && fetched.record === undefined)
})

test('a body on the wrong id, an answer nobody asked for, and junk are dropped in silence', async () => {
  const { ask, raw } = await open()
  assert.equal(await ask({ kind: 'fetchRequest', key: HELD }, TOPIC_SUBTREE_AUDIT), undefined)
  assert.equal(await ask({ kind: 'verificationResponse', results: [] }), undefined)
  for (const junk of [new Uint8Array(0), new Uint8Array([1, 99]), new Uint8Array(100).fill(255)])
    assert.equal(await raw(TOPIC_REPLICATION, junk), undefined)
})

test('one peer cannot take all places: its third fetch at once waits, another peer is served', async () => {
  const waiting: (() => void)[] = []
  const { ask, state } = await open(() => new Promise((resolve) => waiting.push(() => resolve(undefined))))
  const sending = Promise.withResolvers<void>()
  state.answered = sending.promise
  const first = [ask({ kind: 'fetchRequest', key: HELD }), ask({ kind: 'fetchRequest', key: HELD })]
  const third = ask({ kind: 'fetchRequest', key: HELD })
  const other = ask({ kind: 'fetchRequest', key: HELD }, TOPIC_REPLICATION, 'b2'.repeat(32) as PeerId)
  await turns()
  assert.equal(waiting.length, 3)
  for (const release of waiting.splice(0)) release()
  assert.ok((await Promise.all([...first, other])).every((answer) => answer?.kind === 'fetchResponse'))
  await turns()
  assert.equal(waiting.length, 0, 'the answers are still on their way')
  sending.resolve()
  await sending.promise
  await turns()
  waiting.pop()?.()
  assert.equal((await third)?.kind, 'fetchResponse')
})

test('stop gives the topics back', async () => {
  const { replication, handlers } = await open()
  assert.equal(handlers.size, 2)
  await replication.stop()
  await replication.stop()
  assert.equal(handlers.size, 0)
})

test('stop waits for what does not end for ten seconds, and says what it was', async () => {
  const records: LogRecord[] = []
  const log = createLogger({ clock: new SimClock(), level: 'warn', sink: (record) => records.push(record) })
  const engine = await loneEngine({
    store: await storeOf(() => new Promise(() => undefined)),
    ...{ peers: [ALICE], log },
    request: (_, body) =>
      body.kind === 'verificationRequest'
        ? { kind: 'verificationResponse', results: body.keys.map((key) => ({ key, present: false, paid: false })) }
        : undefined,
  })
  const { clock, pump, replication } = engine
  await pump.run(() => replication.start(never))
  replication.freshChunk({ address: HELD, proof: new Uint8Array(100) })
  await pump.run(() => clock.sleep(60_000, never))
  const before = clock.monotonic()
  await pump.run(() => replication.stop())
  assert.equal(clock.monotonic() - before, 10_000)
  assert.deepEqual(
    records.map(({ message, fields }) => [message, fields]),
    [['tasks have not ended in time', { tasks: ['load'] }]],
  )
})
