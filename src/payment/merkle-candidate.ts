/** A node's signed offer to be one of the 16 candidates of a merkle pool (wire.md 20.4; pure). Bound to no address. */
import { type Bytes, concat } from '../base/index.ts'
import type { Signer, Verifier } from '../crypto/index.ts'
import { MsgpackReader, MsgpackWriter } from '../protocol/index.ts'
import type { Priced } from './binding.ts'
import { countAndPin } from './quote.ts'
import { REWARDS_ADDRESS_BYTES } from './rewards-address.ts'
import { U256_BYTES, u256BigEndian, u256FromBigEndian, u256LittleEndian } from './u256.ts'

export interface UnsignedCandidate extends Priced {
  /** 20 bytes. */
  readonly rewardsAddress: Uint8Array
  /** The payment's own timestamp as asked for, Unix seconds. */
  readonly timestamp: bigint
}

export interface MerkleCandidate extends UnsignedCandidate {
  readonly publicKey: Uint8Array
  readonly signature: Uint8Array
}

/** 65 bytes, or 97 with a pin. */
export function candidateSigningBytes(candidate: UnsignedCandidate): Bytes {
  const seconds = new Uint8Array(8)
  new DataView(seconds.buffer).setBigUint64(0, candidate.timestamp, true)
  return concat([u256LittleEndian(candidate.price), candidate.rewardsAddress, seconds, countAndPin(candidate)])
}

/** Signs `candidateSigningBytes` with an empty context. */
export async function signCandidate(candidate: UnsignedCandidate, signer: Signer): Promise<MerkleCandidate> {
  return { ...candidate, publicKey: signer.publicKey, signature: await signer.sign(candidateSigningBytes(candidate)) }
}

/** Signature only: the binding rule and the payment are the caller's questions. */
export function verifyCandidateSignature(candidate: MerkleCandidate, verifier: Verifier): Promise<boolean> {
  return verifier.verify(candidate.publicKey, candidateSigningBytes(candidate), candidate.signature)
}

/** MessagePack array of 7 (wire.md 20.4). */
export function encodeCandidate(candidate: MerkleCandidate): Bytes {
  const writer = new MsgpackWriter(8192)
  writer.array(7).uints(candidate.publicKey).bin(u256BigEndian(candidate.price)).bin(candidate.rewardsAddress)
  writer.uint(candidate.timestamp).uints(candidate.signature).uint(candidate.committedKeyCount)
  writer.option(candidate.commitmentPin, (w, pin) => w.uints(pin))
  return writer.finish()
}

/** Throws PROTOCOL_DECODE. */
export function decodeCandidate(bytes: Uint8Array): MerkleCandidate {
  return readCandidate(new MsgpackReader(bytes))
}

export function readCandidate(reader: MsgpackReader): MerkleCandidate {
  const fields = reader.struct(
    {
      pub_key: (r) => r.uints(),
      price: (r) => u256FromBigEndian(r.bin(U256_BYTES)),
      reward_address: (r) => r.bin(REWARDS_ADDRESS_BYTES).slice(),
      merkle_payment_timestamp: (r) => r.u64(),
      signature: (r) => r.uints(),
      committed_key_count: (r) => r.u32(),
      commitment_pin: (r) => r.option((inner) => inner.uints(32)),
    },
    ['committed_key_count', 'commitment_pin'],
  )
  return {
    publicKey: fields.pub_key,
    price: fields.price,
    rewardsAddress: fields.reward_address,
    timestamp: fields.merkle_payment_timestamp,
    signature: fields.signature,
    committedKeyCount: fields.committed_key_count ?? 0,
    ...(fields.commitment_pin ? { commitmentPin: fields.commitment_pin } : {}),
  }
}
