import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CodedError } from '../../../src/base/index.ts'
import {
  decodeCandidate,
  decodeQuote,
  priceOf,
  verifyCandidateSignature,
  verifyQuoteSignature,
} from '../../../src/payment/index.ts'
import { type ChunkBody, keyOf } from '../../../src/protocol/index.ts'
import type { ChunkStore } from '../../../src/storage/index.ts'
import { chunk, type Scene, scene } from './scene.ts'

const { address, content } = chunk(1)

type Answer = Extract<ChunkBody, { readonly result: object }>

type ResultOf<Kind> = Extract<Answer, { readonly kind: Kind }>['result']

async function ask<Kind extends Answer['kind']>(s: Scene, body: ChunkBody, kind: Kind): Promise<ResultOf<Kind>> {
  await s.start()
  const answer = await s.ask(body)
  assert.equal(answer.kind, kind)
  return (answer as Answer).result as ResultOf<Kind>
}

test('GET: stored bytes to anybody, however far', async () => {
  const s = scene()
  await s.start()
  s.state.responsible = false
  const notFound = await ask(s, { kind: 'getRequest', address }, 'getResponse')
  assert.deepEqual(notFound, { kind: 'notFound', address })
  await s.store.put(address, content)
  const found = await ask(s, { kind: 'getRequest', address }, 'getResponse')
  assert.deepEqual(found, { kind: 'success', address, content })
  assert.equal(s.asked.length, 0)
})

test('GET: a read error is told without its path', async () => {
  const get = () => Promise.reject(new CodedError('STORAGE_CORRUPT', 'at /secret/path'))
  const s = scene({ store: { start: async () => undefined, get } as unknown as ChunkStore })
  assert.deepEqual(await ask(s, { kind: 'getRequest', address }, 'getResponse'), {
    kind: 'error',
    error: { kind: 'storageFailed', message: 'the chunk cannot be read (STORAGE_CORRUPT)' },
  })
})

const quoteRequest = { address, dataSize: 100n, dataType: 0 } as const

test('QUOTE: both request forms get count 0, the base price and no sidecar; many stored chunks change nothing', async () => {
  const s = scene()
  await s.start()
  for (let i = 10; i < 30; i++) await s.store.put(chunk(i).address, chunk(i).content)
  for (const body of [
    { kind: 'quoteRequest', ...quoteRequest },
    { kind: 'quoteRequestV2', ...quoteRequest, settlementVersion: 1 },
  ] as const) {
    const result = await ask(s, body, 'quoteResponse')
    assert.equal(result.kind, 'success')
    if (result.kind !== 'success') continue
    assert.deepEqual([result.alreadyStored, result.commitment], [false, undefined])
    const quote = decodeQuote(result.quote)
    assert.deepEqual(quote.content, keyOf(address))
    assert.deepEqual([quote.price, quote.committedKeyCount], [priceOf(0), 0])
    assert.equal(await verifyQuoteSignature(quote, s.signatures), true)
  }
  assert.match(s.registry.render(), /unversioned_quotes_total 1/)
})

test('QUOTE: alreadyStored only for chunks that are stored; distance does not matter', async () => {
  const s = scene()
  await s.start()
  s.state.responsible = false
  await s.store.put(address, content)
  for (const [dataType, expected] of [
    [0, true],
    [1, false],
    [7, false],
  ] as const) {
    const result = await ask(s, { kind: 'quoteRequest', ...quoteRequest, dataType }, 'quoteResponse')
    assert.equal(result.kind === 'success' && result.alreadyStored, expected, `type ${dataType}`)
  }
})

test('QUOTE: the commitment in force travels along', async () => {
  const s = scene({
    quoter: {
      quote: async () => ({ bytes: Uint8Array.of(1), commitment: Uint8Array.of(2) }),
      candidate: () => Promise.reject(),
    },
  })
  assert.deepEqual(await ask(s, { kind: 'quoteRequest', ...quoteRequest }, 'quoteResponse'), {
    kind: 'success',
    quote: Uint8Array.of(1),
    alreadyStored: false,
    commitment: Uint8Array.of(2),
  })
})

test('merkle candidates: bound to the time asked for', async () => {
  const s = scene()
  for (const body of [
    { kind: 'merkleCandidateRequest', ...quoteRequest, timestamp: 1_790_000_001n },
    { kind: 'merkleCandidateRequestV2', ...quoteRequest, timestamp: 1_790_000_001n, settlementVersion: 1 },
  ] as const) {
    const result = await ask(s, body, 'merkleCandidateResponse')
    assert.equal(result.kind, 'success')
    if (result.kind !== 'success') continue
    const candidate = decodeCandidate(result.candidate)
    assert.deepEqual([candidate.timestamp, candidate.price], [1_790_000_001n, priceOf(0)])
    assert.equal(await verifyCandidateSignature(candidate, s.signatures), true)
  }
})

test('settlement versions: 0 must update, 2 and more ask another node; before the size is looked at', async () => {
  const s = scene()
  const error = (clientVersion: number) =>
    clientVersion === 0
      ? { kind: 'clientUpdateRequired', clientVersion, minVersion: 1 }
      : { kind: 'storerUpdateRequired', clientVersion, nodeVersion: 1 }
  for (const settlementVersion of [0, 2, 3, 4_294_967_295]) {
    const versioned = { ...quoteRequest, dataSize: 2n ** 63n, settlementVersion }
    const expected = { kind: 'error', error: error(settlementVersion) }
    const quote = await ask(s, { kind: 'quoteRequestV2', ...versioned }, 'quoteResponse')
    assert.deepEqual(quote, expected)
    const body = { kind: 'merkleCandidateRequestV2', ...versioned, timestamp: 1n } as const
    assert.deepEqual(await ask(s, body, 'merkleCandidateResponse'), expected)
  }
})

test('an announced size above 4 MiB is refused, even one that no number can name', async () => {
  const s = scene()
  const maxSize = 4_194_304
  for (const [dataSize, size] of [
    [4_194_305n, 4_194_305],
    [2n ** 64n - 1n, Number.MAX_SAFE_INTEGER],
  ] as const) {
    const expected = { kind: 'error', error: { kind: 'chunkTooLarge', size, maxSize } }
    assert.deepEqual(await ask(s, { kind: 'quoteRequest', ...quoteRequest, dataSize }, 'quoteResponse'), expected)
    const body = { kind: 'merkleCandidateRequest', ...quoteRequest, dataSize, timestamp: 1n } as const
    assert.deepEqual(await ask(s, body, 'merkleCandidateResponse'), expected)
  }
  const exact = await ask(s, { kind: 'quoteRequest', ...quoteRequest, dataSize: 4_194_304n }, 'quoteResponse')
  assert.equal(exact.kind, 'success')
})

test('a quote that cannot be signed is QuoteFailed', async () => {
  const failing = () => Promise.reject(new CodedError('PAYMENT_QUOTE_FAILED', 'signing a quote failed: no key'))
  const s = scene({ quoter: { quote: failing, candidate: failing } })
  const expected = { kind: 'error', error: { kind: 'quoteFailed', message: 'signing a quote failed: no key' } }
  assert.deepEqual(await ask(s, { kind: 'quoteRequest', ...quoteRequest }, 'quoteResponse'), expected)
  const body = { kind: 'merkleCandidateRequest', ...quoteRequest, timestamp: 1n } as const
  assert.deepEqual(await ask(s, body, 'merkleCandidateResponse'), expected)
})

test('pointers are answered, not stored', async () => {
  const s = scene()
  const error = { kind: 'storageFailed', message: 'pointers are not stored by this node yet' }
  const put = { kind: 'pointerPutRequest', record: new Uint8Array(5303) } as const
  assert.deepEqual(await ask(s, put, 'pointerPutResponse'), { kind: 'error', error })
  assert.deepEqual(await ask(s, { kind: 'pointerGetRequest', address }, 'pointerGetResponse'), {
    kind: 'error',
    error,
  })
})
