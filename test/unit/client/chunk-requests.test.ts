import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { concat, never, Registry, seededRandom, systemClock } from '../../../src/base/index.ts'
import { ChunkRequests, type ChunkRequestsDeps } from '../../../src/client/chunk-requests.ts'
import { clientMetrics } from '../../../src/client/metrics.ts'
import type { MessageHandler, PeerConnection } from '../../../src/network/index.ts'
import { chunkAddressOf, encodeChunkMessage, type PeerId } from '../../../src/protocol/index.ts'

const address = chunkAddressOf(new Uint8Array(32).fill(1))
const peerOf = (digit: string) => ({ peer: digit.repeat(64) as PeerId, addresses: [] }) as never
const OPTIONS = { responseTimeoutMs: 10_000, sendTimeoutMs: 10_000, maxPendingRequests: 10 }

/** Every peer answers at once, but `dead` ones, to whom nothing can be delivered. */
function setUp(dead: readonly string[] = []) {
  let handler: MessageHandler | undefined
  const network = {
    connectionOf: (peer: PeerId) => ({ peer }) as PeerConnection,
    prepare: (topic: string, data: Uint8Array | readonly Uint8Array[]) => {
      const bytes = data instanceof Uint8Array ? data : concat(data)
      return { topic, bytes: async () => bytes }
    },
    handle: (_topic: string, _options: unknown, given: MessageHandler) => {
      handler = given
      return () => undefined
    },
    sendPrepared: async (peer: PeerId) => {
      if (dead.includes(peer[0] as string)) throw new Error('nobody there')
      const body = { kind: 'putResponse', result: { kind: 'success', address } } as const
      const answer = encodeChunkMessage({ requestId: request.requestId, body })
      setImmediate(() => handler?.(answer, { from: { peer } as PeerConnection, signal: never }))
    },
  } as unknown as ChunkRequestsDeps['network']
  const metrics = clientMetrics(new Registry())
  const requests = new ChunkRequests({ network, clock: systemClock, random: seededRandom(1), metrics }, OPTIONS)
  requests.start()
  const request = requests.prepare({ kind: 'putRequest', address, content: new Uint8Array(1 << 17).fill(9) })
  return { requests, request, detached: async () => ((await request.message.bytes()).buffer as ArrayBuffer).detached }
}

describe('the memory of a request', () => {
  it('is given back when every send has ended', async () => {
    const { requests, request, detached } = setUp()
    for (const digit of ['a', 'b'])
      assert.equal((await requests.ask(peerOf(digit), request, { signal: never })).kind, 'answer')
    assert.equal(await detached(), false)
    await requests.release(request)
    assert.equal(await detached(), true)
  })

  it('stays when a send failed, because what was given up may still read it', async () => {
    const { requests, request, detached } = setUp(['b'])
    await requests.ask(peerOf('a'), request, { signal: never })
    assert.equal((await requests.ask(peerOf('b'), request, { signal: never })).kind, 'dial')
    await requests.release(request)
    assert.equal(await detached(), false)
  })

  it('stays, unsigned, when it was never sent', async () => {
    const { requests, request, detached } = setUp()
    await requests.release(request)
    assert.equal(await detached(), false)
  })
})
