/**
 * The proof of networks without payment (`--payment free`): no money, but everything that carries and checks a proof
 * runs. Ours, not the network's (pure).
 *
 *     tag F0 | version 01 | public key 1952 | Unix seconds u64 LE | signature 3309        5271 bytes
 *     signed (ML-DSA-65, empty context) = "myrmex.local-payment.1" 00 | address 32 | seconds u64 LE | public key
 *
 * It binds one address to the client's key. The time is told, not judged: offers and notifies show a proof long after
 * the client made it.
 */
import { type Bytes, concat, utf8 } from '../base/index.ts'
import { ML_DSA_PUBLIC_KEY_BYTES, ML_DSA_SIGNATURE_BYTES, type Signer, type Verifier } from '../crypto/index.ts'
import { type ChunkAddress, keyOf } from '../protocol/index.ts'
import { PROOF_TAG } from './proof.ts'

const VERSION = 1
const DOMAIN = 'myrmex.local-payment.1\0'
const TIME_AT = 2 + ML_DSA_PUBLIC_KEY_BYTES
const SIGNATURE_AT = TIME_AT + 8

export const LOCAL_PROOF_BYTES = SIGNATURE_AT + ML_DSA_SIGNATURE_BYTES

export async function signLocalProof(signer: Signer, address: ChunkAddress, unixSeconds: number): Promise<Bytes> {
  const time = new Uint8Array(8)
  new DataView(time.buffer).setBigUint64(0, BigInt(unixSeconds), true)
  const signature = await signer.sign(signedBytes(address, time, signer.publicKey))
  return concat([Uint8Array.of(PROOF_TAG.local, VERSION), signer.publicKey, time, signature])
}

/** Never throws: anything wrong is false. */
export async function verifyLocalProof(verifier: Verifier, address: ChunkAddress, proof: Uint8Array): Promise<boolean> {
  if (proof.length !== LOCAL_PROOF_BYTES || proof[0] !== PROOF_TAG.local || proof[1] !== VERSION) return false
  const publicKey = proof.subarray(2, TIME_AT)
  const message = signedBytes(address, proof.subarray(TIME_AT, SIGNATURE_AT), publicKey)
  return verifier.verify(publicKey, message, proof.subarray(SIGNATURE_AT))
}

function signedBytes(address: ChunkAddress, time: Uint8Array, publicKey: Uint8Array): Bytes {
  return concat([utf8(DOMAIN), keyOf(address), time, publicKey])
}
