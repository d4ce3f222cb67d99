/** The engine of one node alone: real store and paid list in memory, time that stands, a network that only takes handlers. */
import { CodedError, concat, Emitter, type Logger, never, Registry, seededRandom } from '../../../../src/base/index.ts'
import { backend, contentHash, mlDsaVerifier } from '../../../../src/crypto/index.ts'
import type { Dht, DhtEvents } from '../../../../src/dht/index.ts'
import type { Network, RequestHandler } from '../../../../src/network/index.ts'
import { createFreeVerifier, type PaymentVerifier } from '../../../../src/payment/index.ts'
import {
  type ChunkAddress,
  decodeReplicationMessage,
  encodeReplicationMessage,
  type PeerId,
  type ReplicationBody,
} from '../../../../src/protocol/index.ts'
import {
  createReplication,
  type Replication,
  type ReplicationMemory,
  type ReplicationOptions,
  type RetentionStore,
} from '../../../../src/replication/index.ts'
import { EventPump, SimClock, SimSignatures } from '../../../../src/sim/index.ts'
import {
  type ChunkStore,
  createMemoryChunkStore,
  createMemoryPaidList,
  OutOfRangeTimers,
  type PaidList,
} from '../../../../src/storage/index.ts'

export const SELF = '5e'.repeat(32) as PeerId

const signers = new SimSignatures(backend(), seededRandom(3))
const NO_FILES: RetentionStore = { load: async () => undefined, save: async () => undefined }

export interface LoneEngine {
  readonly replication: Replication
  readonly handlers: ReadonlyMap<string, RequestHandler>
  readonly reports: { readonly peer: PeerId; readonly reason: string }[]
  readonly events: Emitter<DhtEvents>
  readonly clock: SimClock
  readonly pump: EventPump
  readonly registry: Registry
  readonly paidList: PaidList
  readonly store: ChunkStore
  /** Handlers of plain messages that were taken back. */
  plainUnsubscribed(): number
}

export async function loneEngine(
  given: {
    store?: ChunkStore
    peers?: readonly PeerId[]
    options?: Partial<ReplicationOptions>
    paid?: Iterable<ChunkAddress>
    memory?: ReplicationMemory
    suspected?: (peer: PeerId) => boolean
    payment?: PaymentVerifier
    /** What others answer; nothing without. */
    request?: (peer: PeerId, body: ReplicationBody) => ReplicationBody | undefined
    log?: Logger
  } = {},
): Promise<LoneEngine> {
  const clock = new SimClock()
  const handlers = new Map<string, RequestHandler>()
  const reports: LoneEngine['reports'] = []
  let plain = 0
  const network: Partial<Network> = {
    self: SELF,
    handle: () => () => void plain++,
    handleRequests: (protocol, _options, handler) => {
      handlers.set(protocol, async (data, context) => {
        const answer = await handler(data, context)
        return answer && concat([answer].flat())
      })
      return () => handlers.delete(protocol)
    },
    request: async (peer, _topic, data) => {
      const { requestId, body } = decodeReplicationMessage(concat([data].flat()))
      const answer = given.request?.(peer, body)
      if (!answer) throw new CodedError('NETWORK_TIMEOUT', 'nobody answers')
      return encodeReplicationMessage({ requestId, body: answer })
    },
    send: () => Promise.resolve(),
  }
  const peers = given.peers ?? []
  const events = new Emitter<DhtEvents>()
  const dht: Partial<Dht> = {
    events,
    peers: () => peers,
    closestToSelf: () => peers.slice(0, 20),
    suspected: given.suspected ?? (() => false),
    reportTrust: (peer, { reason }) => void reports.push({ peer, reason }),
  }
  const store = given.store ?? createMemoryChunkStore()
  const paidList = createMemoryPaidList()
  await store.start(never)
  await paidList.start(never)
  for (const key of given.paid ?? []) await paidList.insert(key)
  const registry = new Registry()
  const replication = createReplication(
    {
      ...{ network: network as Network, dht: dht as Dht, store, paidList, timers: new OutOfRangeTimers(100) },
      ...{ payment: given.payment ?? createFreeVerifier(mlDsaVerifier(backend())), hash: contentHash(backend()) },
      kernels: backend(),
      ...{ signer: signers.createSigner(seededRandom(2)), verifier: signers, retention: NO_FILES },
      clock,
      registry,
      ...(given.memory ? { memory: given.memory } : {}),
      ...(given.log ? { log: given.log } : {}),
      random: seededRandom(1),
    },
    given.options,
  )
  const pump = new EventPump(clock, 1)
  return {
    replication,
    handlers,
    reports,
    events,
    clock,
    pump,
    registry,
    paidList,
    store,
    plainUnsubscribed: () => plain,
  }
}
