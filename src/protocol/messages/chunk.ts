/** Chunk protocol messages (wire.md 16): shapes of `ChunkMessage{requestId, body}`. */
import type { ChunkAddress } from '../key.ts'

/** ProtocolError of wire.md 16.2, by variant name. */
export type ChunkProtocolError =
  | {
      readonly kind:
        | 'serializationFailed'
        | 'deserializationFailed'
        | 'storageFailed'
        | 'paymentFailed'
        | 'quoteFailed'
        | 'internal'
      readonly message: string
    }
  | {
      readonly kind: 'messageTooLarge' | 'chunkTooLarge'
      /** usize on the wire: a bigint only beyond 2^53 - 1. */
      readonly size: number | bigint
      readonly maxSize: number | bigint
    }
  | { readonly kind: 'addressMismatch'; readonly expected: ChunkAddress; readonly actual: ChunkAddress }
  | { readonly kind: 'clientUpdateRequired'; readonly clientVersion: number; readonly minVersion: number }
  | { readonly kind: 'storerUpdateRequired'; readonly clientVersion: number; readonly nodeVersion: number }

/** 0 chunk, 1 pointer. */
export type DataType = number

export type ChunkBody =
  | {
      readonly kind: 'putRequest'
      readonly address: ChunkAddress
      readonly content: Uint8Array
      readonly paymentProof?: Uint8Array
    }
  | { readonly kind: 'putResponse'; readonly result: PutResult }
  | { readonly kind: 'getRequest'; readonly address: ChunkAddress }
  | { readonly kind: 'getResponse'; readonly result: GetResult }
  | {
      readonly kind: 'quoteRequest'
      readonly address: ChunkAddress
      readonly dataSize: bigint
      readonly dataType: DataType
    }
  | { readonly kind: 'quoteResponse'; readonly result: QuoteResult }
  | {
      readonly kind: 'merkleCandidateRequest'
      readonly address: ChunkAddress
      readonly dataType: DataType
      readonly dataSize: bigint
      readonly timestamp: bigint
    }
  | { readonly kind: 'merkleCandidateResponse'; readonly result: MerkleCandidateResult }
  | {
      readonly kind: 'quoteRequestV2'
      readonly address: ChunkAddress
      readonly dataSize: bigint
      readonly dataType: DataType
      readonly settlementVersion: number
    }
  | {
      readonly kind: 'merkleCandidateRequestV2'
      readonly address: ChunkAddress
      readonly dataType: DataType
      readonly dataSize: bigint
      readonly timestamp: bigint
      readonly settlementVersion: number
    }
  | { readonly kind: 'pointerPutRequest'; readonly record: Uint8Array; readonly paymentProof?: Uint8Array }
  | { readonly kind: 'pointerPutResponse'; readonly result: PointerPutResult }
  | { readonly kind: 'pointerGetRequest'; readonly address: ChunkAddress }
  | { readonly kind: 'pointerGetResponse'; readonly result: PointerGetResult }

export type PutResult =
  | { readonly kind: 'success' | 'alreadyExists'; readonly address: ChunkAddress }
  | { readonly kind: 'paymentRequired'; readonly message: string }
  | { readonly kind: 'error'; readonly error: ChunkProtocolError }

export type GetResult =
  | { readonly kind: 'success'; readonly address: ChunkAddress; readonly content: Uint8Array }
  | { readonly kind: 'notFound'; readonly address: ChunkAddress }
  | { readonly kind: 'error'; readonly error: ChunkProtocolError }

export type QuoteResult =
  | {
      readonly kind: 'success'
      readonly quote: Uint8Array
      readonly alreadyStored: boolean
      readonly commitment?: Uint8Array
    }
  | { readonly kind: 'error'; readonly error: ChunkProtocolError }

export type MerkleCandidateResult =
  | { readonly kind: 'success'; readonly candidate: Uint8Array; readonly commitment?: Uint8Array }
  | { readonly kind: 'error'; readonly error: ChunkProtocolError }

export type PointerPutResult =
  | { readonly kind: 'success' | 'unchanged' | 'stale'; readonly address: ChunkAddress; readonly stateId: Uint8Array }
  | { readonly kind: 'paymentRequired'; readonly message: string }
  | { readonly kind: 'error'; readonly error: ChunkProtocolError }

export type PointerGetResult =
  | { readonly kind: 'success'; readonly record: Uint8Array }
  | { readonly kind: 'notFound'; readonly address: ChunkAddress }
  | { readonly kind: 'error'; readonly error: ChunkProtocolError }

export interface ChunkMessage {
  readonly requestId: bigint
  readonly body: ChunkBody
}
