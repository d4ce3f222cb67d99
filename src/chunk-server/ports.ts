/** What the server offers to rooms above it. The wiring fits objects to these shapes. */
import type { PaidQuote } from '../payment/index.ts'
import type { ChunkAddress } from '../protocol/index.ts'

/** A chunk that a client has just paid for and that is stored now. */
export interface FreshChunk {
  readonly address: ChunkAddress
  /** As the client sent it, without commitment sidecars; what offers and notifies carry. */
  readonly proof: Uint8Array
  /** Pinned quotes that it paid. */
  readonly paid?: readonly PaidQuote[]
}

/** Filled by replication (replication.md 5). Must return at once and not throw. */
export interface FreshChunkSink {
  freshChunk(chunk: FreshChunk): void
}

/** Filled by the pointer store when there is one: a chunk and a pointer never share an address. */
export interface PointerPresence {
  has(address: ChunkAddress): boolean
}
