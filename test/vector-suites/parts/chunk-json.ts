/** ChunkMessage as the vectors write it in JSON, turned into our shape. */
import type {
  ChunkAddress,
  ChunkBody,
  ChunkMessage,
  ChunkProtocolError,
  GetResult,
  MerkleCandidateResult,
  PointerGetResult,
  PointerPutResult,
  PutResult,
  QuoteResult,
} from '../../../src/protocol/index.ts'
import { vectorBytes as bytesOf } from '../../support/vector-input.ts'
import { type Json, optional, size, variant } from './blob.ts'

export function chunkMessageOf(json: Json): ChunkMessage {
  return { requestId: BigInt(json.request_id), body: bodyOf(json.body) }
}

const address = (text: string) => text as ChunkAddress
const lower = (name: string) => name.charAt(0).toLowerCase() + name.slice(1)

function bodyOf(json: unknown): ChunkBody {
  const [name, f] = variant(json)
  const at = { address: f.address as ChunkAddress }
  const sizes = { dataSize: BigInt(f.data_size ?? 0), dataType: f.data_type as number }
  const merkle = { ...at, ...sizes, timestamp: BigInt(f.merkle_payment_timestamp ?? 0) }
  const settlementVersion = f.settlement_version as number
  switch (name) {
    case 'PutRequest':
      return { kind: 'putRequest', ...at, content: bytesOf(f.content), ...proof(f) }
    case 'PutResponse':
      return { kind: 'putResponse', result: putResult(f) }
    case 'GetRequest':
      return { kind: 'getRequest', ...at }
    case 'GetResponse':
      return { kind: 'getResponse', result: getResult(f) }
    case 'QuoteRequest':
      return { kind: 'quoteRequest', ...at, ...sizes }
    case 'QuoteResponse':
      return { kind: 'quoteResponse', result: quoteResult(f) }
    case 'MerkleCandidateQuoteRequest':
      return { kind: 'merkleCandidateRequest', ...merkle }
    case 'MerkleCandidateQuoteResponse':
      return { kind: 'merkleCandidateResponse', result: candidateResult(f) }
    case 'QuoteRequestV2':
      return { kind: 'quoteRequestV2', ...at, ...sizes, settlementVersion }
    case 'MerkleCandidateQuoteRequestV2':
      return { kind: 'merkleCandidateRequestV2', ...merkle, settlementVersion }
    case 'PointerPutRequest':
      return { kind: 'pointerPutRequest', record: bytesOf(f.record), ...proof(f) }
    case 'PointerPutResponse':
      return { kind: 'pointerPutResponse', result: pointerPutResult(f) }
    case 'PointerGetRequest':
      return { kind: 'pointerGetRequest', ...at }
    case 'PointerGetResponse':
      return { kind: 'pointerGetResponse', result: pointerGetResult(f) }
  }
  throw new Error(`unknown chunk body ${name}`)
}

const proof = (f: Json) => optional('paymentProof', f.payment_proof, bytesOf)
const commitment = (f: Json) => optional('commitment', f.commitment, bytesOf)

export function chunkErrorOf(json: unknown): ChunkProtocolError {
  const [name, f] = variant(json)
  switch (name) {
    case 'MessageTooLarge':
    case 'ChunkTooLarge':
      return { kind: lower(name) as 'chunkTooLarge', size: size(f.size), maxSize: size(f.max_size) }
    case 'AddressMismatch':
      return { kind: 'addressMismatch', expected: f.expected, actual: f.actual }
    case 'ClientUpdateRequired':
      return {
        kind: 'clientUpdateRequired',
        clientVersion: f.client_settlement_version,
        minVersion: f.min_settlement_version,
      }
    case 'StorerUpdateRequired':
      return {
        kind: 'storerUpdateRequired',
        clientVersion: f.client_settlement_version,
        nodeVersion: f.node_settlement_version,
      }
    default:
      return { kind: lower(name) as 'internal', message: f }
  }
}

function putResult(json: unknown): PutResult {
  const [name, f] = variant(json)
  if (name === 'Error') return { kind: 'error', error: chunkErrorOf(f) }
  if (name === 'PaymentRequired') return { kind: 'paymentRequired', message: f.message }
  return { kind: lower(name) as 'success', address: address(f.address) }
}

function getResult(json: unknown): GetResult {
  const [name, f] = variant(json)
  if (name === 'Error') return { kind: 'error', error: chunkErrorOf(f) }
  if (name === 'NotFound') return { kind: 'notFound', address: address(f.address) }
  return { kind: 'success', address: address(f.address), content: bytesOf(f.content) }
}

function quoteResult(json: unknown): QuoteResult {
  const [name, f] = variant(json)
  if (name === 'Error') return { kind: 'error', error: chunkErrorOf(f) }
  return { kind: 'success', quote: bytesOf(f.quote), alreadyStored: f.already_stored, ...commitment(f) }
}

function candidateResult(json: unknown): MerkleCandidateResult {
  const [name, f] = variant(json)
  if (name === 'Error') return { kind: 'error', error: chunkErrorOf(f) }
  return { kind: 'success', candidate: bytesOf(f.candidate_node), ...commitment(f) }
}

function pointerPutResult(json: unknown): PointerPutResult {
  const [name, f] = variant(json)
  if (name === 'Error') return { kind: 'error', error: chunkErrorOf(f) }
  if (name === 'PaymentRequired') return { kind: 'paymentRequired', message: f.message }
  return { kind: lower(name) as 'stale', address: address(f.address), stateId: bytesOf(f.state_id) }
}

function pointerGetResult(json: unknown): PointerGetResult {
  const [name, f] = variant(json)
  if (name === 'Error') return { kind: 'error', error: chunkErrorOf(f) }
  if (name === 'NotFound') return { kind: 'notFound', address: address(f.address) }
  return { kind: 'success', record: bytesOf(f.record) }
}
