import assert from 'node:assert/strict'
import { test } from 'node:test'
import { never } from '../../../src/base/index.ts'
import { RequestLine } from '../../../src/chunk-server/request-line.ts'
import { type ChunkBody, encodeChunkMessage, type PeerId } from '../../../src/protocol/index.ts'
import { chunk, peer, type Scene, scene, settled } from './scene.ts'

const { address, content } = chunk(1)
const get = (requestId: bigint) => encodeChunkMessage({ requestId, body: { kind: 'getRequest', address } })
const away = (s: Scene, reason: string) =>
  Number(new RegExp(`turned_away_total\\{reason="${reason}"\\} (\\d+)`).exec(s.registry.render())?.[1] ?? 0)
const busy = { kind: 'internal', message: 'busy: too many requests at this node, ask another' }

function isBusy(body: ChunkBody): boolean {
  return body.kind === 'getResponse' && body.result.kind === 'error' && body.result.error.kind === 'internal'
}

test('one handler for the topic with the ceiling of 5 MiB, gone after stop', async () => {
  const s = scene()
  await s.start()
  await s.server.start(never)
  assert.deepEqual(
    [...s.state.handlers].map(([topic, { maxBytes }]) => [topic, maxBytes]),
    [['autonomi.ant.chunk.v1', 5 * 1024 * 1024]],
  )
  await s.server.stop()
  await s.server.stop()
  assert.equal(s.state.handlers.size, 0)
})

test('an aborted start registers nothing', async () => {
  const s = scene()
  await assert.rejects(s.server.start(AbortSignal.abort(new Error('enough'))), /enough/)
  assert.equal(s.state.handlers.size, 0)
})

test('answers carry the id of the request and go to the peer that asked', async () => {
  const s = scene()
  await s.start()
  for (const [n, id] of [
    [1, 0n],
    [2, 2n ** 64n - 1n],
    [1, 0n],
  ] as const)
    s.deliver(get(id), peer(n))
  await settled()
  assert.deepEqual(
    s.sent.map(({ to, message }) => [to, message.requestId]),
    [
      [peer(1), 0n],
      [peer(2), 2n ** 64n - 1n],
      [peer(1), 0n],
    ],
  )
})

test('rubbish is dropped without an answer', async () => {
  const s = scene()
  await s.start()
  const unknownBody = Uint8Array.of(1, 14)
  for (const data of [new Uint8Array(), Uint8Array.of(0xff), unknownBody, new Uint8Array(5_242_881)]) s.deliver(data)
  await settled()
  assert.deepEqual(s.sent, [])
  assert.equal(away(s, 'undecodable'), 4)
})

test('responses that nobody asked for are ignored', async () => {
  const s = scene()
  await s.start()
  const error = { kind: 'error', error: { kind: 'internal', message: '' } } as const
  const bodies: ChunkBody[] = [
    { kind: 'putResponse', result: { kind: 'success', address } },
    { kind: 'getResponse', result: { kind: 'success', address, content } },
    { kind: 'quoteResponse', result: error },
    { kind: 'merkleCandidateResponse', result: error },
    { kind: 'pointerPutResponse', result: error },
    { kind: 'pointerGetResponse', result: error },
  ]
  for (const body of bodies) s.deliver(encodeChunkMessage({ requestId: 1n, body }))
  await settled()
  assert.deepEqual(s.sent, [])
  assert.equal(away(s, 'response'), bodies.length)
  assert.equal(s.store.size, 0)
})

/** Answers that wait until `open` is called. */
function gated(s: Scene): () => void {
  const gate = Promise.withResolvers<void>()
  s.state.sending = () => gate.promise
  return gate.resolve
}

test('permits bound what runs, the rest waits in order', async () => {
  const s = scene({}, { permits: 2, maxWaiting: 10, maxPerPeer: 10 })
  await s.start()
  const open = gated(s)
  for (let id = 0n; id < 6n; id++) s.deliver(get(id))
  await settled()
  assert.deepEqual(
    s.sent.map(({ message }) => message.requestId),
    [0n, 1n],
  )
  open()
  await settled()
  assert.deepEqual(
    s.sent.map(({ message }) => message.requestId),
    [0n, 1n, 2n, 3n, 4n, 5n],
  )
})

test('a full line answers busy, a bounded number of times, and takes again when it is empty', async () => {
  const s = scene({}, { permits: 1, maxWaiting: 1, maxPerPeer: 10, maxBusyAnswers: 2 })
  await s.start()
  const open = gated(s)
  for (let id = 0n; id < 7n; id++) s.deliver(get(id))
  await settled()
  const refused = s.sent.filter(({ message }) => isBusy(message.body))
  assert.deepEqual(
    refused.map(({ message }) => message.requestId),
    [2n, 3n],
  )
  const result = { kind: 'error', error: busy }
  assert.deepEqual(refused[0]?.message.body, { kind: 'getResponse', result })
  assert.deepEqual([away(s, 'busy'), away(s, 'dropped')], [2, 3])
  open()
  await settled()
  s.deliver(get(9n))
  await settled()
  assert.equal(s.sent.at(-1)?.message.requestId, 9n)
})

test('one peer cannot fill the line', async () => {
  const s = scene({}, { permits: 2, maxWaiting: 10, maxPerPeer: 3 })
  await s.start()
  const open = gated(s)
  for (let id = 0n; id < 8n; id++) s.deliver(get(id), peer(1))
  s.deliver(get(100n), peer(2))
  open()
  await settled()
  const served = s.sent.filter(({ message }) => !isBusy(message.body))
  assert.deepEqual(
    served.map(({ to, message }) => [to, message.requestId]),
    [
      [peer(1), 0n],
      [peer(1), 1n],
      [peer(1), 2n],
      [peer(2), 100n],
    ],
  )
})

test('a peer that holds its share of the permits does not hold up another', async () => {
  const s = scene({}, { permits: 3, permitsPerPeer: 2, maxWaiting: 10, maxPerPeer: 10 })
  await s.start()
  const open = gated(s)
  for (let id = 0n; id < 5n; id++) s.deliver(get(id), peer(1))
  s.deliver(get(100n), peer(2))
  await settled()
  const begun = () => s.sent.map(({ message }) => message.requestId)
  assert.deepEqual(begun(), [0n, 1n, 100n])
  open()
  await settled()
  assert.deepEqual(begun().slice(3), [2n, 3n, 4n])
})

const BYTES = { maxBytes: 100, maxBytesPerPeer: 60, permitsPerPeer: 9 }

test('bytes are bounded, in all and for one peer', () => {
  const line = new RequestLine({ permits: 100, maxWaiting: 0, maxPerPeer: 100, ...BYTES })
  const enter = (from: PeerId, bytes: number) => line.enter(from, bytes)
  const first = enter(peer(1), 60)
  assert.equal(first.kind, 'ticket')
  assert.deepEqual(enter(peer(1), 1), { kind: 'full', limit: 'peer' })
  assert.deepEqual(enter(peer(2), 41), { kind: 'full', limit: 'bytes' })
  assert.equal(enter(peer(2), 40).kind, 'ticket')
  if (first.kind === 'ticket') first.leave()
  assert.equal(enter(peer(1), 60).kind, 'ticket')
})

test('every way out of the line gives back what was taken', async () => {
  const line = new RequestLine({ permits: 1, maxWaiting: 5, maxPerPeer: 9, ...BYTES })
  const tickets = [1, 2, 3].map((n) => {
    const ticket = line.enter(peer(n), 10)
    assert.ok(ticket.kind === 'ticket')
    return ticket
  })
  const [first, second, third] = tickets as [(typeof tickets)[0], (typeof tickets)[0], (typeof tickets)[0]]
  await first.turn(never)
  const controller = new AbortController()
  const waiting = second.turn(controller.signal)
  controller.abort(new Error('enough'))
  await assert.rejects(waiting, /enough/)
  second.leave()
  let idle = false
  const whenIdle = line.idle().then(() => (idle = true))
  const turn = third.turn(never)
  first.leave()
  await turn
  await settled()
  assert.deepEqual([idle, line.outstanding], [false, 1])
  third.leave()
  await whenIdle
  await line.idle()
  assert.equal(line.outstanding, 0)
})

test('stop takes nothing new, lets running requests end, then returns', async () => {
  const s = scene()
  await s.start()
  const handler = s.state.handlers.get('autonomi.ant.chunk.v1')?.handler
  const open = gated(s)
  s.deliver(get(1n))
  await settled()
  let stopped = false
  const stop = s.server.stop().then(() => (stopped = true))
  handler?.(get(2n), { from: { peer: peer(1) } as never, signal: never })
  await settled()
  assert.equal(stopped, false)
  assert.equal(away(s, 'stopping'), 1)
  open()
  await stop
  assert.equal(s.sent.length, 1)
  assert.equal(s.clock.pending, 0, 'no timer is left')
})

test('stop gives up after 5 virtual seconds and aborts what runs and waits', async () => {
  const s = scene({}, { permits: 1 })
  await s.start()
  const aborted: unknown[] = []
  s.state.sending = (signal) =>
    new Promise((_, reject) => signal.addEventListener('abort', () => reject(aborted.push(signal.reason))))
  s.deliver(get(1n))
  s.deliver(get(2n))
  await settled()
  const stop = s.server.stop()
  await settled()
  const before = s.clock.monotonic()
  s.clock.fireNext()
  await stop
  assert.equal(s.clock.monotonic() - before, 5000)
  assert.equal(aborted.length, 1)
  assert.equal(s.sent.length, 1, 'the waiting one was never answered')
})

test('an answer that takes too long or fails frees its place', async () => {
  const s = scene({}, { permits: 1, sendTimeoutMs: 1000 })
  await s.start()
  s.state.sending = () => new Promise(() => undefined)
  s.deliver(get(1n))
  await settled()
  s.state.sending = () => Promise.reject(new Error('peer is gone'))
  s.deliver(get(2n))
  await settled()
  assert.equal(s.sent.length, 1)
  s.clock.fireNext()
  await settled()
  s.state.sending = async () => undefined
  s.deliver(get(3n))
  await settled()
  assert.deepEqual(
    s.sent.map(({ message }) => message.requestId),
    [1n, 2n, 3n],
  )
  assert.match(s.registry.render(), /send_failures_total 2/)
})

test('an unforeseen failure in a handler is told as such and served requests go on', async () => {
  const s = scene({
    dht: {
      isResponsible: () => {
        throw new Error('a bug at /secret/path')
      },
    },
  })
  await s.start()
  const answer = await s.ask({ kind: 'putRequest', address, content })
  assert.deepEqual(answer, {
    kind: 'putResponse',
    result: { kind: 'error', error: { kind: 'internal', message: 'the request failed at this node' } },
  })
  assert.equal((await s.ask({ kind: 'getRequest', address })).kind, 'getResponse')
})

test('a peer that read more than its share is told to ask another; others, and what it stores, are served', async () => {
  const s = scene({}, { getBurstBytes: 150, getBytesPerSecond: 1000 })
  await s.start()
  await s.store.put(address, content)
  const request = { kind: 'getRequest', address } as const
  const kinds: string[] = []
  for (const from of [peer(1), peer(1), peer(1), peer(2)]) {
    const answer = await s.ask(request, from)
    kinds.push(isBusy(answer) ? 'busy' : answer.kind === 'getResponse' ? answer.result.kind : '')
  }
  assert.deepEqual(kinds, ['success', 'success', 'busy', 'success'])
  assert.equal(away(s, 'busy'), 1)
  const put = await s.ask({ kind: 'putRequest', address, content })
  assert.equal(put.kind === 'putResponse' && put.result.kind, 'alreadyExists')
  s.clock.timer(51, () => undefined)
  s.clock.fireNext()
  assert.equal(isBusy(await s.ask(request)), false)
})
