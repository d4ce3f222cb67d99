/**
 * A node's signed price for one record: bytes, hash, signature (wire.md 20.1, payments.md 6; pure).
 * Nanoseconds travel but are neither signed nor hashed.
 */
import { keccak_256 } from '@noble/hashes/sha3.js'
import { type Bytes, concat } from '../base/index.ts'
import type { Signer, Verifier } from '../crypto/index.ts'
import { MsgpackReader, MsgpackWriter } from '../protocol/index.ts'
import type { Priced } from './binding.ts'
import { REWARDS_ADDRESS_BYTES } from './rewards-address.ts'
import { U256_BYTES, u256BigEndian, u256FromBigEndian, u256LittleEndian } from './u256.ts'

export interface Timestamp {
  /** Unix seconds, 64 bits. */
  readonly seconds: bigint
  /** Below 10^9. */
  readonly nanos: number
}

export interface UnsignedQuote extends Priced {
  /** 32 bytes: chunk address, or state id of a pointer. */
  readonly content: Uint8Array
  readonly timestamp: Timestamp
  /** 20 bytes. */
  readonly rewardsAddress: Uint8Array
}

export interface PaymentQuote extends UnsignedQuote {
  /** 1952 bytes in a valid quote; its BLAKE3 is the issuer's PeerId. */
  readonly publicKey: Uint8Array
  /** 3309 bytes in a valid quote. */
  readonly signature: Uint8Array
}

/** 97 bytes, or 129 with a pin. */
export function quoteSigningBytes(quote: UnsignedQuote): Bytes {
  const seconds = new Uint8Array(8)
  new DataView(seconds.buffer).setBigUint64(0, quote.timestamp.seconds, true)
  return concat([quote.content, seconds, u256LittleEndian(quote.price), quote.rewardsAddress, countAndPin(quote)])
}

/** `count u32 LE, 00 | 01 and the pin`: the tail that quotes and merkle candidates share. */
export function countAndPin({ committedKeyCount, commitmentPin }: Priced): Bytes {
  const head = new Uint8Array(5)
  new DataView(head.buffer).setUint32(0, committedKeyCount, true)
  head[4] = commitmentPin ? 1 : 0
  return commitmentPin ? concat([head, commitmentPin]) : head
}

/** keccak-256 over signing bytes, key and signature: the key of the payment on chain. */
export function quoteHash(quote: PaymentQuote): Bytes {
  return keccak_256(concat([quoteSigningBytes(quote), quote.publicKey, quote.signature])) as Bytes
}

/** Signs `quoteSigningBytes` with an empty context. */
export async function signQuote(quote: UnsignedQuote, signer: Signer): Promise<PaymentQuote> {
  return { ...quote, publicKey: signer.publicKey, signature: await signer.sign(quoteSigningBytes(quote)) }
}

/** Signature only: binding rule, content and issuer are the caller's questions. */
export function verifyQuoteSignature(quote: PaymentQuote, verifier: Verifier): Promise<boolean> {
  return verifier.verify(quote.publicKey, quoteSigningBytes(quote), quote.signature)
}

/** MessagePack array of 8 (wire.md 20.1). */
export function encodeQuote(quote: PaymentQuote): Bytes {
  const writer = new MsgpackWriter(8192)
  writeQuote(writer, quote)
  return writer.finish()
}

export function writeQuote(writer: MsgpackWriter, quote: PaymentQuote): void {
  writer.array(8).uints(quote.content)
  writer.array(2).uint(quote.timestamp.seconds).uint(quote.timestamp.nanos)
  writer.bin(u256BigEndian(quote.price)).bin(quote.rewardsAddress).uints(quote.publicKey).uints(quote.signature)
  writer.uint(quote.committedKeyCount).option(quote.commitmentPin, (w, pin) => w.uints(pin))
}

/** Throws PROTOCOL_DECODE. Trailing bytes, missing tail fields and the form with names are accepted as by the network. */
export function decodeQuote(bytes: Uint8Array): PaymentQuote {
  return readQuote(new MsgpackReader(bytes))
}

export function readQuote(reader: MsgpackReader): PaymentQuote {
  const fields = reader.struct(
    {
      content: (r) => r.uints(32),
      timestamp: readTimestamp,
      price: (r) => u256FromBigEndian(r.bin(U256_BYTES)),
      rewards_address: (r) => r.bin(REWARDS_ADDRESS_BYTES).slice(),
      pub_key: (r) => r.uints(),
      signature: (r) => r.uints(),
      committed_key_count: (r) => r.u32(),
      commitment_pin: (r) => r.option((inner) => inner.uints(32)),
    },
    ['committed_key_count', 'commitment_pin'],
  )
  return {
    content: fields.content,
    timestamp: fields.timestamp,
    price: fields.price,
    rewardsAddress: fields.rewards_address,
    publicKey: fields.pub_key,
    signature: fields.signature,
    committedKeyCount: fields.committed_key_count ?? 0,
    ...(fields.commitment_pin ? { commitmentPin: fields.commitment_pin } : {}),
  }
}

function readTimestamp(reader: MsgpackReader): Timestamp {
  const { secs_since_epoch, nanos_since_epoch } = reader.struct({
    secs_since_epoch: (r) => r.u64(),
    nanos_since_epoch: (r) => r.uint(999_999_999),
  })
  return { seconds: secs_since_epoch, nanos: nanos_since_epoch }
}
