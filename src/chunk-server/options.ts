import { MiB, second } from '../base/index.ts'

export interface ChunkServerOptions {
  /** Requests worked on at the same time. */
  readonly permits: number
  /** Requests that may wait for a permit. */
  readonly maxWaiting: number
  /** Requests of one peer, waiting or running. */
  readonly maxPerPeer: number
  /** Permits that one peer may hold; its further requests wait, those of others pass them. */
  readonly permitsPerPeer: number
  /** Bytes of the requests that wait or run. */
  readonly maxBytes: number
  /** The same for one peer. */
  readonly maxBytesPerPeer: number
  /** Chunk bytes that one peer may read: at once, and each second from then on; above it the answer is busy. */
  readonly getBurstBytes: number
  readonly getBytesPerSecond: number
  /** Peers whose bytes are counted. */
  readonly getPeers: number
  /** Answers "busy" on their way; above it requests are dropped in silence. */
  readonly maxBusyAnswers: number
  /** Longest time for sending one answer. */
  readonly sendTimeoutMs: number
  /** Time given to running requests when stopping. */
  readonly drainMs: number
}

export const chunkServerDefaults: ChunkServerOptions = Object.freeze({
  permits: 64, // as the network's nodes (storage.md 13)
  maxWaiting: 256, // four rounds of permits: at 10 ms a request the last one waits 50 ms; not measured
  maxPerPeer: 96, // a stock client stores with up to 64 in flight, and fetches beside that
  permitsPerPeer: 32, // half: a peer that reads its answers slowly holds its permits for as long as sendTimeoutMs
  maxBytes: 256 * MiB, // 64 puts of full size; what the permits can hold at once
  maxBytesPerPeer: 96 * MiB, // a stock client keeps 64 MiB of bodies in flight; one peer never fills the line
  getBurstBytes: 1024 * MiB, // nobody honest comes near: see the next
  getBytesPerSecond: 128 * MiB, // a whole gigabit line for one reader
  getPeers: 4096, // half a MiB of counters; who is forgotten starts anew
  maxBusyAnswers: 64, // each costs a signature
  sendTimeoutMs: 30 * second, // clients give up after 10 s; a slower reader must not keep a permit
  drainMs: 5 * second, // storage.md 13
})
