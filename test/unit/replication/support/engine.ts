/** The engine of one node alone: real store and paid list in memory, time that stands, a network that only takes handlers. */
import { Emitter, never, seededRandom } from '../../../../src/base/index.ts'
import { backend, contentHash, mlDsaVerifier } from '../../../../src/crypto/index.ts'
import type { Dht, DhtEvents } from '../../../../src/dht/index.ts'
import type { Network, RequestHandler } from '../../../../src/network/index.ts'
import { createFreeVerifier } from '../../../../src/payment/index.ts'
import type { PeerId } from '../../../../src/protocol/index.ts'
import {
  createReplication,
  type Replication,
  type ReplicationOptions,
  type RetentionStore,
} from '../../../../src/replication/index.ts'
import { SimClock, SimSignatures } from '../../../../src/sim/index.ts'
import {
  type ChunkStore,
  createMemoryChunkStore,
  createMemoryPaidList,
  OutOfRangeTimers,
} from '../../../../src/storage/index.ts'

export const SELF = '5e'.repeat(32) as PeerId

const signers = new SimSignatures(backend(), seededRandom(3))
const NO_FILES: RetentionStore = { load: async () => undefined, save: async () => undefined }

export interface LoneEngine {
  readonly replication: Replication
  readonly handlers: ReadonlyMap<string, RequestHandler>
  readonly reports: { readonly peer: PeerId; readonly reason: string }[]
  /** Handlers of plain messages that were taken back. */
  plainUnsubscribed(): number
}

export async function loneEngine(
  given: { store?: ChunkStore; peers?: readonly PeerId[]; options?: Partial<ReplicationOptions> } = {},
): Promise<LoneEngine> {
  const handlers = new Map<string, RequestHandler>()
  const reports: LoneEngine['reports'] = []
  let plain = 0
  const network: Partial<Network> = {
    self: SELF,
    handle: () => () => void plain++,
    handleRequests: (protocol, _options, handler) => {
      handlers.set(protocol, handler)
      return () => handlers.delete(protocol)
    },
    request: () => Promise.reject(new Error('nobody is asked')),
    send: () => Promise.resolve(),
  }
  const peers = given.peers ?? []
  const dht: Partial<Dht> = {
    events: new Emitter<DhtEvents>(),
    peers: () => peers,
    closestToSelf: () => peers.slice(0, 20),
    suspected: () => false,
    reportTrust: (peer, { reason }) => void reports.push({ peer, reason }),
  }
  const store = given.store ?? createMemoryChunkStore()
  const paidList = createMemoryPaidList()
  await store.start(never)
  await paidList.start(never)
  const replication = createReplication(
    {
      ...{ network: network as Network, dht: dht as Dht, store, paidList, timers: new OutOfRangeTimers(100) },
      ...{ payment: createFreeVerifier(mlDsaVerifier(backend())), hash: contentHash(backend()) },
      ...{ signer: signers.createSigner(seededRandom(2)), verifier: signers, retention: NO_FILES },
      clock: new SimClock(),
      random: seededRandom(1),
    },
    given.options,
  )
  return { replication, handlers, reports, plainUnsubscribed: () => plain }
}
