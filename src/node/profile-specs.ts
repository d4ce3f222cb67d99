/**
 * Every value that a profile sets, by profile, with its range and reason (pure). `server` is what the rooms have by
 * themselves; the other columns are what boards and small groups can carry: docs/profiles.md does the sums. The
 * numbers of client and pool are repeated here, and held equal by a test: a storage node does not load those rooms.
 */
import { KiB, MiB, second } from '../base/index.ts'
import { chunkServerDefaults } from '../chunk-server/index.ts'
import { PROCESS_SPECS, type SettingSpec } from '../machine/index.ts'
import { NETWORK_DEFAULTS } from '../network/index.ts'
import { MAX_CHUNK_BYTES } from '../protocol/index.ts'
import { scrubberDefaults } from '../storage/index.ts'
import { QUIC_DEFAULTS } from '../transport/index.ts'

/** A queue that is counted in bytes takes at least one chunk with all that travels around it. */
const ONE_PUT = 2 * MAX_CHUNK_BYTES

type Columns = Omit<SettingSpec, 'unit' | 'why' | 'min' | 'max'> & { readonly min?: number; readonly max?: number }
const bytes = (why: string, columns: Columns): SettingSpec => ({
  ...{ unit: 'bytes', min: ONE_PUT, max: 1024 * 1024 * MiB, scales: true },
  ...columns,
  why,
})
const count = (why: string, columns: Columns): SettingSpec => ({
  ...{ unit: 'count', min: 1, max: 1_000_000 },
  ...columns,
  why,
})

const quic = QUIC_DEFAULTS
const network = NETWORK_DEFAULTS
const served = chunkServerDefaults

export const SETTING_SPECS = {
  'compute.threads': count(
    'for files without a network; each thread has a heap and buffers of its own, and a client on the network needs one',
    {
      ...{ max: 1024, zero: 'one for every core', tiny: 1, small: 2, server: 0 },
    },
  ),
  'compute.maxWaiting': count('each waiting task of a file holds a chunk of 4 MiB', {
    ...{ tiny: 16, small: 64, server: 256 },
  }),
  'compute.idleTimeoutMs': {
    ...{
      unit: 'ms',
      min: 0,
      max: 3_600_000,
      tiny: 2 * second,
      small: 5 * second,
      server: 10 * second,
    },
    why: 'an idle thread gives its memory back after this long',
  },

  'quic.inboundBudgetBytes': bytes('messages on their way in that JS has not taken; above it senders wait', {
    ...{ tiny: 80 * MiB, small: 128 * MiB, server: quic.inboundBudgetBytes },
  }),
  'quic.connectionInboundBytes': bytes(
    'the same for one peer: more than that at once, and some of its messages are stopped',
    {
      ...{ tiny: 40 * MiB, small: 64 * MiB, server: quic.connectionInboundBytes },
    },
  ),
  'quic.eventQueueBytes': bytes('whole messages of those that wait for the main thread; above it reading pauses', {
    ...{ tiny: 40 * MiB, small: 64 * MiB, server: quic.eventQueueBytes },
  }),
  'quic.sendQueueBytes': bytes('messages that wait to be sent to one peer; above it a send fails at once', {
    ...{ min: 10 * MiB, tiny: 16 * MiB, small: 32 * MiB, server: quic.sendQueueBytes },
  }),
  'quic.sendWindowBytes': bytes('sent and not acknowledged, a connection', {
    ...{ min: 256 * KiB, max: 256 * MiB, tiny: 2 * MiB, small: 4 * MiB, server: quic.sendWindowBytes },
  }),
  'quic.connectionWindowBytes': bytes(
    'a peer may send this much ahead; memory is up to twice that for each connection',
    {
      ...{ min: 256 * KiB, max: 16 * MiB, tiny: MiB, small: 2 * MiB, server: quic.connectionWindowBytes },
    },
  ),
  'quic.maxConnectionWindowBytes': bytes('the same for a peer in an active transfer', {
    ...{ min: 256 * KiB, max: 256 * MiB, tiny: 4 * MiB, small: 8 * MiB, server: quic.maxConnectionWindowBytes },
  }),
  'quic.windowBudgetBytes': bytes('what all connections may have above the plain window together', {
    ...{ min: MiB, tiny: 16 * MiB, small: 128 * MiB, server: quic.windowBudgetBytes },
  }),
  'quic.socketBufferBytes': bytes('kernel buffers of the socket, each way; they count to the group too', {
    ...{ min: 64 * KiB, max: 64 * MiB, tiny: MiB, small: 2 * MiB, server: quic.socketBufferBytes },
  }),
  'quic.maxHalfOpen': count('handshakes begun by others; each holds about 50 KB', {
    ...{ max: 65_536, tiny: 64, small: 256, server: quic.maxHalfOpen },
  }),

  'network.maxConnections': count('each holds keys, timers and, when busy, its windows', {
    ...{ min: 16, max: 100_000, tiny: 500, small: 2000, server: network.maxConnections },
  }),
  'network.queueBytes': bytes('messages that wait for their signature to be checked; above it they are dropped', {
    ...{ tiny: 24 * MiB, small: 48 * MiB, server: network.queueBytes },
  }),
  'network.verifyConcurrency': count('messages that are checked at the same time, a chunk each', {
    ...{ max: 1024, tiny: 4, small: 8, server: network.verifyConcurrency },
  }),
  'network.maxRunningHandlers': count('messages that are handled at the same time', {
    ...{ min: 16, tiny: 128, small: 256, server: network.maxRunningHandlers },
  }),
  'network.maxRunningHandlersPerPeer': count('the same for one peer', {
    ...{ min: 4, tiny: 32, small: 64, server: network.maxRunningHandlersPerPeer },
  }),
  'network.failureMemoryEntries': count('addresses that did not answer and are left alone for a while', {
    ...{ min: 64, tiny: 2048, small: 8192, server: network.failureMemoryEntries },
  }),
  'network.rememberedIps': count('addresses whose pace of new connections is remembered, 200 bytes each', {
    ...{ min: 64, tiny: 4096, small: 32_768, server: network.rememberedIps },
  }),

  'chunkServer.permits': count('requests served at the same time; an answer with a chunk holds it twice', {
    ...{ max: 4096, scales: true, tiny: 8, small: 24, server: served.permits },
  }),
  'chunkServer.permitsPerPeer': count('the same for one peer', {
    ...{ max: 4096, scales: true, tiny: 4, small: 12, server: served.permitsPerPeer },
  }),
  'chunkServer.maxWaiting': count('requests that wait for their turn; above it the answer is busy', {
    ...{ max: 65_536, tiny: 32, small: 96, server: served.maxWaiting },
  }),
  'chunkServer.maxPerPeer': count('the same for one peer, those being served included', {
    ...{ max: 65_536, tiny: 24, small: 64, server: served.maxPerPeer },
  }),
  'chunkServer.maxBytes': bytes('bodies of the requests that wait or are served; above it the answer is busy', {
    ...{ tiny: 32 * MiB, small: 96 * MiB, server: served.maxBytes },
  }),
  'chunkServer.maxBytesPerPeer': bytes('the same for one peer', {
    ...{ tiny: 16 * MiB, small: 48 * MiB, server: served.maxBytesPerPeer },
  }),
  'chunkServer.maxBusyAnswers': count('answers "busy" on their way; above it requests are dropped in silence', {
    ...{ tiny: 64, small: 64, server: served.maxBusyAnswers },
  }),

  'scrubber.bytesPerSecond': bytes('stored chunks read in a second to find rot, while nobody else uses the disk', {
    ...{ min: 4 * KiB, max: 1024 * MiB, scales: false },
    ...{ tiny: 256 * KiB, small: 512 * KiB, server: scrubberDefaults.bytesPerSecond },
  }),

  'client.storeConcurrency': count('small chunks stored at once by an upload', {
    ...{ max: 256, tiny: 8, small: 16, server: 32 },
  }),
  'client.storeBudgetBytes': bytes('chunks stored at once; each is in memory twice', {
    ...{ min: MAX_CHUNK_BYTES, tiny: 8 * MiB, small: 16 * MiB, server: 20 * MiB },
  }),
  'client.fetchConcurrency': count('small chunks fetched at once by a download', {
    ...{ max: 256, tiny: 8, small: 16, server: 32 },
  }),
  'client.fetchBudgetBytes': bytes('chunks fetched at once and ahead of the reader', {
    ...{ min: MAX_CHUNK_BYTES, tiny: 8 * MiB, small: 12 * MiB, server: 16 * MiB },
  }),
  'client.uploadBudgetBytes': bytes('sealed chunks that an upload holds', {
    ...{ tiny: 12 * MiB, small: 24 * MiB, server: 28 * MiB },
  }),
  'client.sealConcurrency': count('chunks that are sealed at once or wait to be taken, 25 MiB each', {
    ...{ max: 64, tiny: 1, small: 2, server: 2 },
  }),
  'client.filesBudgetBytes': bytes('files of a folder in work, together', {
    ...{ tiny: 12 * MiB, small: 20 * MiB, server: 32 * MiB },
  }),
  'client.filesConcurrency': count('files of a folder in work', {
    ...{ max: 1024, tiny: 4, small: 8, server: 16 },
  }),

  ...PROCESS_SPECS,
} satisfies Readonly<Record<string, SettingSpec>>

export type SettingKey = keyof typeof SETTING_SPECS

/** Pairs of which the first may not be larger than the second. */
export const AT_MOST: readonly (readonly [SettingKey, SettingKey])[] = [
  ['quic.connectionInboundBytes', 'quic.inboundBudgetBytes'],
  ['quic.connectionWindowBytes', 'quic.maxConnectionWindowBytes'],
  ['network.maxRunningHandlersPerPeer', 'network.maxRunningHandlers'],
  ['chunkServer.permitsPerPeer', 'chunkServer.permits'],
  ['chunkServer.maxBytesPerPeer', 'chunkServer.maxBytes'],
]
