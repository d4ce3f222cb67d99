/** The engine of one node that has caught up, holds chunks and is asked for digests by anybody. */
import { never, seededRandom } from '../../../../src/base/index.ts'
import { backend } from '../../../../src/crypto/index.ts'
import type { RequestContext, RequestHandler } from '../../../../src/network/index.ts'
import {
  type AuditResult,
  type ChunkAddress,
  chunkAddressOf,
  decodeReplicationMessage,
  encodeReplicationMessage,
  type PeerId,
  TOPIC_REPLICATION,
} from '../../../../src/protocol/index.ts'
import type { ReplicationOptions } from '../../../../src/replication/index.ts'
import { createMemoryChunkStore } from '../../../../src/storage/index.ts'
import { type LoneEngine, loneEngine, SELF } from './engine.ts'

export const SEED = Number(process.env['SIM_SEED'] ?? 61)
export const NONCE = new Uint8Array(32).fill(3)

export interface Auditee {
  readonly engine: LoneEngine
  readonly keys: readonly ChunkAddress[]
  /** What audits have read so far, in order. */
  readonly reads: readonly ChunkAddress[]
  /** The bytes that were handed out, as long as nobody gives them back. */
  readonly handedOut: readonly Uint8Array[]
  /** Anything may be done with the context; undefined: no answer. */
  ask(peer: PeerId, keys: readonly ChunkAddress[], context?: Partial<RequestContext>): Promise<AuditResult | undefined>
}

export function challengeBytes(keys: readonly ChunkAddress[], challengeId = 1n): Uint8Array {
  const body = { kind: 'auditChallenge' as const, challengeId, nonce: NONCE, challengedPeer: SELF, keys }
  return encodeReplicationMessage({ requestId: challengeId, body })
}

/** `readMs`: what a read takes on the engine's clock. `neighbours`: its routing table. */
export async function auditee(given: {
  chunks: number
  chunkBytes?: number
  readMs?: number
  neighbours?: readonly PeerId[]
  options?: Partial<ReplicationOptions>
}): Promise<Auditee> {
  const store = createMemoryChunkStore()
  await store.start(never)
  const random = seededRandom(SEED)
  const keys: ChunkAddress[] = []
  for (let i = 0; i < given.chunks; i++) {
    const content = random.bytes(given.chunkBytes ?? 100)
    const address = chunkAddressOf(backend().blake3(content))
    await store.put(address, content)
    keys.push(address)
  }
  const engine = await loneEngine({
    ...{ store, peers: given.neighbours ?? [] },
    options: { bootstrapGateMs: 0, ...given.options },
    request: (_, body) =>
      body.kind === 'neighborSyncRequest'
        ? { kind: 'neighborSyncResponse', replicaHints: [], paidHints: [], bootstrapping: false, rejectedKeys: [] }
        : undefined,
  })
  await engine.pump.run(() => engine.replication.start(never))
  for (let i = 0; i < 50 && engine.replication.bootstrapping; i++) await engine.pump.advance(5000)
  if (engine.replication.bootstrapping) throw new Error(`SIM_SEED=${SEED}: the engine has not caught up`)
  const reads: ChunkAddress[] = []
  const handedOut: Uint8Array[] = []
  const get = store.get.bind(store)
  store.get = async (address) => {
    reads.push(address)
    if (given.readMs !== undefined) await engine.clock.sleep(given.readMs, never)
    const bytes = await get(address)
    if (bytes) handedOut.push(bytes)
    return bytes
  }
  return {
    ...{ engine, keys, reads, handedOut },
    ask: async (peer, asked, context = {}) => {
      const whole = { from: { peer }, signal: never, answered: Promise.resolve(), ...context } as RequestContext
      const handler = engine.handlers.get(TOPIC_REPLICATION) as RequestHandler
      const answer = await handler(challengeBytes(asked), whole)
      if (!answer) return undefined
      const { body } = decodeReplicationMessage(answer as Uint8Array)
      if (body.kind !== 'auditResponse') throw new Error(`answered with ${body.kind}`)
      return body.result
    },
  }
}
