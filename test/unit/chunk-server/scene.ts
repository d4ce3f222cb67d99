/** A chunk server whose neighbours are literals: what it sends is kept, what it asks can be set. */
import { blake3 } from '@noble/hashes/blake3.js'
import { type Bytes, concat, never, Registry, seededRandom } from '../../../src/base/index.ts'
import { type ChunkServerDeps, type ChunkServerOptions, createChunkServer } from '../../../src/chunk-server/index.ts'
import { backend } from '../../../src/crypto/index.ts'
import type { MessageHandler, PeerConnection } from '../../../src/network/index.ts'
import { createQuoter, type PaymentVerdict } from '../../../src/payment/index.ts'
import {
  type ChunkAddress,
  type ChunkBody,
  type ChunkMessage,
  chunkAddressOf,
  decodeChunkMessage,
  encodeChunkMessage,
  type PeerId,
  peerIdOf,
} from '../../../src/protocol/index.ts'
import { SimClock, SimSignatures } from '../../../src/sim/index.ts'
import { createMemoryChunkStore } from '../../../src/storage/index.ts'

export function chunk(seed: number, length = 100): { address: ChunkAddress; content: Bytes } {
  const content = seededRandom(seed).bytes(length)
  return { address: chunkAddressOf(blake3(content)), content }
}

export function peer(n: number): PeerId {
  return peerIdOf(new Uint8Array(32).fill(n))
}

export interface Sent {
  readonly to: PeerId
  readonly message: ChunkMessage
}

export function scene(changes: Partial<ChunkServerDeps> = {}, options?: Partial<ChunkServerOptions>) {
  const clock = new SimClock()
  const registry = new Registry()
  const signatures = new SimSignatures(backend(), seededRandom(1))
  const store = createMemoryChunkStore()
  const sent: Sent[] = []
  const asked: { proof: Uint8Array | undefined; context: string }[] = []
  const fresh: { address: ChunkAddress; proof: Uint8Array }[] = []
  const state = {
    responsible: true,
    verdict: { kind: 'accepted' } as PaymentVerdict,
    width: 0,
    handlers: new Map<string, { maxBytes: number; handler: MessageHandler }>(),
    /** Replaces sending, to hold it up or let it fail. */
    sending: async (_signal: AbortSignal): Promise<void> => undefined,
  }
  const deps: ChunkServerDeps = {
    clock,
    registry,
    store,
    network: {
      handle: (topic, { maxBytes }, handler) => {
        state.handlers.set(topic, { maxBytes, handler })
        return () => state.handlers.delete(topic)
      },
      send: async (to, topic, data, { signal }) => {
        if (topic !== 'autonomi.ant.chunk.v1') throw new Error(`sent on ${topic}`)
        sent.push({ to, message: decodeChunkMessage(concat([data].flat())) })
        await state.sending(signal)
      },
    },
    dht: {
      isResponsible: (_, width) => {
        state.width = width
        return state.responsible
      },
    },
    payment: {
      verifyPayment: async (_, proof, context) => {
        asked.push({ proof, context })
        return state.verdict
      },
    },
    quoter: createQuoter({ signer: signatures.createSigner(seededRandom(2)), clock }),
    freshChunks: { freshChunk: (chunk) => fresh.push(chunk) },
    ...changes,
  }
  const server = createChunkServer(deps, options)
  const deliver = (data: Uint8Array, from: PeerId = peer(1)) =>
    state.handlers
      .get('autonomi.ant.chunk.v1')
      ?.handler(data, { from: { peer: from } as PeerConnection, signal: never })
  /** Delivers one request and gives the answer to it. */
  const ask = async (body: ChunkBody, from: PeerId = peer(1)): Promise<ChunkBody> => {
    const requestId = BigInt(sent.length) + 1000n
    deliver(encodeChunkMessage({ requestId, body }), from)
    await settled()
    const answer = sent.at(-1)
    if (answer?.message.requestId !== requestId || answer.to !== from) throw new Error('no answer to this request')
    return answer.message.body
  }
  const start = async () => {
    await store.start(never)
    await server.start(never)
  }
  return { server, store, clock, registry, signatures, sent, asked, fresh, state, deliver, ask, start }
}

export type Scene = ReturnType<typeof scene>

/** Lets every promise that can go on go on; no timer is involved anywhere. */
export async function settled(): Promise<void> {
  for (let i = 0; i < 60; i++) await Promise.resolve()
}
