import { backend } from '../crypto/index.ts'
import { type PeerId, peerIdOf } from './key.ts'

/** PeerId of an ML-DSA-65 public key: its BLAKE3 hash, no prefix (wire.md 4). */
export function peerIdOfPublicKey(publicKey: Uint8Array): PeerId {
  return peerIdOf(backend().blake3(publicKey))
}
