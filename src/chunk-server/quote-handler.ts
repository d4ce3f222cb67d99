/** QUOTE and merkle candidate quotes, with and without a settlement version (storage.md 12). Nobody is refused by distance. */
import type { Logger } from '../base/index.ts'
import type { IssuedQuote, Quoter } from '../payment/index.ts'
import {
  type ChunkAddress,
  type ChunkProtocolError,
  type DataType,
  keyOf,
  type MerkleCandidateResult,
  type QuoteResult,
} from '../protocol/index.ts'
import type { ChunkStore } from '../storage/index.ts'
import { settlementFault, sizeFault } from './admission.ts'
import { spoken } from './failures.ts'

const CHUNK_TYPE: DataType = 0

export interface QuoteDeps {
  readonly store: Pick<ChunkStore, 'has'>
  readonly quoter: Quoter
  readonly log: Logger
}

export interface QuoteRequest {
  readonly address: ChunkAddress
  readonly dataSize: bigint
  readonly dataType: DataType
  /** Of the versioned requests. */
  readonly settlementVersion?: number
}

export interface CandidateRequest extends QuoteRequest {
  /** Unix seconds of the merkle payment. */
  readonly timestamp: bigint
}

export async function handleQuote(deps: QuoteDeps, request: QuoteRequest): Promise<QuoteResult> {
  const fault = requestFault(request)
  if (fault) return { kind: 'error', error: fault }
  const { address, dataType } = request
  const alreadyStored = dataType === CHUNK_TYPE && deps.store.has(address)
  const issued = await issue(deps, () => deps.quoter.quote(keyOf(address)))
  if ('kind' in issued) return { kind: 'error', error: issued }
  return { kind: 'success', quote: issued.bytes, alreadyStored, ...sidecar(issued) }
}

export async function handleCandidate(deps: QuoteDeps, request: CandidateRequest): Promise<MerkleCandidateResult> {
  const fault = requestFault(request)
  if (fault) return { kind: 'error', error: fault }
  const issued = await issue(deps, () => deps.quoter.candidate(request.timestamp))
  if ('kind' in issued) return { kind: 'error', error: issued }
  return { kind: 'success', candidate: issued.bytes, ...sidecar(issued) }
}

function requestFault({ settlementVersion, dataSize }: QuoteRequest): ChunkProtocolError | undefined {
  return (settlementVersion === undefined ? undefined : settlementFault(settlementVersion)) ?? sizeFault(dataSize)
}

async function issue(deps: QuoteDeps, work: () => Promise<IssuedQuote>): Promise<IssuedQuote | ChunkProtocolError> {
  try {
    return await work()
  } catch (error) {
    deps.log.warn('issuing a quote failed', { error })
    return { kind: 'quoteFailed', message: spoken(error) }
  }
}

function sidecar({ commitment }: IssuedQuote): { commitment?: Uint8Array } {
  return commitment ? { commitment } : {}
}
