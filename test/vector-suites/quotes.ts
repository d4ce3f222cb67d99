/** quotes.json: prices, quotes, damage, decoding and single-node proofs, on the backend in force. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Bytes, fromHex, toHex } from '../../src/base/index.ts'
import { backend, mlDsaVerifier } from '../../src/crypto/index.ts'
import {
  bindingFault,
  countOf,
  decodeQuote,
  decodeSingleNodeProof,
  encodeQuote,
  encodeSingleNodeProof,
  type PaymentQuote,
  priceOf,
  proofKind,
  quoteHash,
  quoteSigningBytes,
  verifyQuoteSignature,
} from '../../src/payment/index.ts'
import { parsePeerId, peerIdOf } from '../../src/protocol/index.ts'
import { type VectorInput, vectorBytes } from '../support/vector-input.ts'

// biome-ignore lint/suspicious/noExplicitAny: golden JSON, judged by what is asserted about it.
type Json = any

const verifier = mlDsaVerifier(backend())
const unhex = (hex: string) => fromHex(hex) as Bytes

function quoteOf(json: Json): PaymentQuote {
  return {
    content: unhex(json.content),
    timestamp: { seconds: BigInt(json.timestamp.secs), nanos: json.timestamp.nanos },
    price: BigInt(json.price),
    rewardsAddress: unhex(json.rewards_address),
    publicKey: vectorBytes(json.pub_key as VectorInput | string),
    signature: vectorBytes(json.signature as VectorInput | string),
    committedKeyCount: json.committed_key_count,
    ...(json.commitment_pin === null ? {} : { commitmentPin: unhex(json.commitment_pin) }),
  }
}

function assertBlob(bytes: Uint8Array, blob: { length: number; blake3: string; hex?: string }): void {
  assert.equal(bytes.length, blob.length)
  assert.equal(toHex(backend().blake3(bytes)), blob.blake3)
  if (blob.hex !== undefined) assert.equal(toHex(bytes), blob.hex)
}

export default function suite(document: Json): void {
  const quotes = new Map<string, PaymentQuote>(document.quotes.map((entry: Json) => [entry.name, quoteOf(entry.quote)]))
  prices(document.prices)
  for (const entry of document.quotes) test(`quotes: ${entry.name}`, () => quote(entry))
  test('signed_seven: the three that are given whole hash as in the full set', () => {
    for (const [i, row] of document.signed_seven.slice(0, 3).entries()) {
      const found = quotes.get(`signed-${i}`) as PaymentQuote
      assert.equal(toHex(quoteHash(found)), row.hash)
      assert.equal(toHex(backend().blake3(found.signature)), row.signature_blake3)
      assert.equal(found.price, BigInt(row.price))
    }
  })
  for (const entry of document.tamper.cases) {
    test(`tamper: ${entry.name}`, () => tamper(entry, document.tamper.original_content, quotes))
  }
  for (const entry of document.quote_decode) test(`quote_decode: ${entry.name}`, () => decode(entry, quotes))
  for (const entry of document.proofs) test(`proofs: ${entry.name}`, () => proof(entry))
  for (const entry of document.proof_decode) test(`proof_decode: ${entry.name}`, () => proofDecode(entry))
  test('proof_decode: bodies with tag 02', { skip: 'merkle proofs come with the payments issue' }, () => undefined)
  test('single_node_payment', { skip: 'choosing the payee comes with the payments issue' }, () => undefined)
  const known = 'format crates prices quotes signed_seven tamper quote_decode proofs proof_decode single_node_payment'
  test('no section is overlooked', () => assert.deepEqual(Object.keys(document).sort(), known.split(' ').sort()))
}

function prices({ forward, inverse }: Json): void {
  for (const row of forward) {
    test(`prices: ${row.count} keys`, () => {
      const price = priceOf(BigInt(row.count))
      assert.equal(price, BigInt(row.price))
      assert.equal(countOf(price), BigInt(row.derived_back))
      assert.equal(countOf(price - 1n), BigInt(row.derived_from_price_minus_1))
      assert.equal(countOf(price + 1n), BigInt(row.derived_from_price_plus_1))
    })
  }
  for (const row of inverse) {
    test(`prices: ${row.price} atto`, () => assert.equal(countOf(BigInt(row.price)), BigInt(row.derived)))
  }
}

async function quote(entry: Json): Promise<void> {
  const given = quoteOf(entry.quote)
  assert.equal(toHex(quoteSigningBytes(given)), entry.bytes_for_signing)
  assert.equal(toHex(quoteHash(given)), entry.hash)
  const encoded = encodeQuote(given)
  assertBlob(encoded, entry.msgpack)
  assert.deepEqual(decodeQuote(encoded), given)
  assert.equal(await verifyQuoteSignature(given, verifier), entry.verify.signature_valid)
  if (entry.peer_id) assert.equal(peerIdOf(backend().blake3(given.publicKey)), entry.peer_id)
  if (entry.name.startsWith('signed-')) assert.equal(bindingFault(given), undefined)
}

/** The changes are named in words; each is done here as its name says. */
function changed(name: string, base: PaymentQuote, other: PaymentQuote): PaymentQuote {
  const flip = (bytes: Uint8Array, at: number, mask: number) => bytes.map((b, i) => (i === at ? b ^ mask : b))
  const { signature, publicKey, timestamp, commitmentPin: _, ...rest } = base
  const changes: Record<string, () => PaymentQuote> = {
    untouched: () => base,
    'content first byte ^1': () => ({ ...base, content: flip(base.content, 0, 1) }),
    'timestamp + 1 s': () => ({ ...base, timestamp: { ...timestamp, seconds: timestamp.seconds + 1n } }),
    'timestamp + 999 ns (same second)': () => ({ ...base, timestamp: { ...timestamp, nanos: timestamp.nanos + 999 } }),
    'price + 1': () => ({ ...base, price: base.price + 1n }),
    'rewards address last byte ^1': () => ({ ...base, rewardsAddress: flip(base.rewardsAddress, 19, 1) }),
    'committed_key_count + 1': () => ({ ...base, committedKeyCount: base.committedKeyCount + 1 }),
    'pin removed': () => ({ ...rest, signature, publicKey, timestamp }),
    'pin changed': () => ({ ...base, commitmentPin: new Uint8Array(32) }),
    'signature bit 0 flipped': () => ({ ...base, signature: flip(signature, 0, 1) }),
    'signature last bit flipped': () => ({ ...base, signature: flip(signature, signature.length - 1, 0x80) }),
    'signature truncated by 1': () => ({ ...base, signature: signature.subarray(0, -1) }),
    'signature one zero byte longer': () => ({ ...base, signature: Uint8Array.from([...signature, 0]) }),
    'signature empty': () => ({ ...base, signature: new Uint8Array() }),
    'public key first bit flipped': () => ({ ...base, publicKey: flip(publicKey, 0, 1) }),
    'public key truncated': () => ({ ...base, publicKey: publicKey.subarray(0, -1) }),
    'public key of another node': () => ({ ...base, publicKey: other.publicKey }),
  }
  const change = changes[name]
  assert.ok(change, `the change "${name}" is not known to this suite`)
  return change()
}

async function tamper(entry: Json, original: string, quotes: Map<string, PaymentQuote>): Promise<void> {
  const base = quotes.get('signed-0') as PaymentQuote
  const quote = changed(entry.name, base, quotes.get('signed-1') as PaymentQuote)
  assert.equal(toHex(quoteHash(quote)), entry.hash)
  assert.equal(toHex(quoteHash(quote)) !== toHex(quoteHash(base)), entry.hash_differs)
  assert.equal(await verifyQuoteSignature(quote, verifier), entry.signature_valid)
  assert.equal(toHex(quote.content) === original, entry.content_matches_original)
}

function decode({ input, result }: Json, quotes: Map<string, PaymentQuote>): void {
  const bytes = input.hex === undefined ? encodeQuote(quotes.get('signed-2') as PaymentQuote) : unhex(input.hex)
  assertBlob(bytes, input)
  if (!result.ok) {
    assert.throws(() => decodeQuote(bytes), { code: 'PROTOCOL_DECODE' })
    return
  }
  const quote = decodeQuote(bytes)
  assert.equal(toHex(quoteHash(quote)), result.hash)
  assert.equal(quote.committedKeyCount, result.committed_key_count)
  assert.equal(quote.commitmentPin !== undefined, result.has_pin)
}

const DETECTED: Record<string, string | undefined> = {
  'Some(SingleNode)': 'singleNode',
  'Some(Merkle)': 'merkle',
  None: undefined,
}

function proof(entry: Json): void {
  const given = {
    quotes: entry.peer_quotes.map((row: Json) => ({ issuer: parsePeerId(row.peer_id), quote: quoteOf(row.quote) })),
    transactionHashes: entry.tx_hashes.map(unhex),
    sidecars: entry.commitment_sidecars.map((blob: Json) => unhex(blob.hex)),
  }
  const encoded = encodeSingleNodeProof(given)
  assertBlob(encoded, entry.serialized)
  assert.deepEqual(decodeSingleNodeProof(encoded), given)
  assert.equal(proofKind(encoded), DETECTED[entry.detected])
  const digest = decodeSingleNodeProof(encoded).quotes.map(({ quote }) => toHex(quoteHash(quote)))
  assert.deepEqual(
    digest,
    entry.digest.map(([hash]: [string]) => hash),
  )
}

function proofDecode(entry: Json): void {
  const bytes = unhex(entry.hex)
  assert.equal(proofKind(bytes), DETECTED[entry.detected])
  if (entry.single.error === undefined) assert.equal(decodeSingleNodeProof(bytes).quotes.length, entry.single.ok)
  else assert.throws(() => decodeSingleNodeProof(bytes), { code: /^(PAYMENT|PROTOCOL)_DECODE$/ })
}
