/** Shapes of answers (pure): which response belongs to which request, and how an error is put into it. */
import type { ChunkBody, ChunkProtocolError } from '../protocol/index.ts'
import type { RequestName } from './metrics.ts'

export type RequestBody = Extract<
  ChunkBody,
  {
    kind:
      | 'putRequest'
      | 'getRequest'
      | 'quoteRequest'
      | 'quoteRequestV2'
      | 'merkleCandidateRequest'
      | 'merkleCandidateRequestV2'
      | 'pointerPutRequest'
      | 'pointerGetRequest'
  }
>
export type ResponseBody = Exclude<ChunkBody, RequestBody>

/** undefined for a response: nobody here waits for one. */
export function asRequest(body: ChunkBody): { readonly name: RequestName; readonly body: RequestBody } | undefined {
  switch (body.kind) {
    case 'putRequest':
      return { name: 'put', body }
    case 'getRequest':
      return { name: 'get', body }
    case 'quoteRequest':
    case 'quoteRequestV2':
      return { name: 'quote', body }
    case 'merkleCandidateRequest':
    case 'merkleCandidateRequestV2':
      return { name: 'candidate', body }
    case 'pointerPutRequest':
      return { name: 'pointerPut', body }
    case 'pointerGetRequest':
      return { name: 'pointerGet', body }
    default:
      return undefined
  }
}

const RESPONSE_KIND = {
  put: 'putResponse',
  get: 'getResponse',
  quote: 'quoteResponse',
  candidate: 'merkleCandidateResponse',
  pointerPut: 'pointerPutResponse',
  pointerGet: 'pointerGetResponse',
} as const satisfies Readonly<Record<RequestName, ResponseBody['kind']>>

export function errorAnswer(request: RequestName, error: ChunkProtocolError): ResponseBody {
  return { kind: RESPONSE_KIND[request], result: { kind: 'error', error } }
}
