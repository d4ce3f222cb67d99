/**
 * Signatures for simulated worlds: the lengths of ML-DSA-65, thousands of times cheaper. A signature is a MAC under a
 * secret of the world, so a changed message, key, context or signature fails, and code that only holds a Signer can
 * sign for its own key only. Nobody outside one world accepts them.
 */
import { type Bytes, equal, type Random } from '../base/index.ts'
import {
  type Backend,
  ML_DSA_PUBLIC_KEY_BYTES,
  ML_DSA_SIGNATURE_BYTES,
  type Signer,
  type Verifier,
} from '../crypto/index.ts'

export type SimHash = Pick<Backend, 'blake3Keyed'>

const MAC_BYTES = 32
const PADDING = new Uint8Array(ML_DSA_SIGNATURE_BYTES - MAC_BYTES)
const NO_CONTEXT = new Uint8Array(0)

export class SimSignatures implements Verifier {
  readonly #hash: SimHash
  readonly #secret: Bytes

  constructor(hash: SimHash, random: Random) {
    this.#hash = hash
    this.#secret = random.bytes(32)
  }

  /** A new key pair; the public key is 1952 bytes that no other call gives. */
  createSigner(random: Random): Signer {
    const publicKey = random.bytes(ML_DSA_PUBLIC_KEY_BYTES)
    const own = this.#own(publicKey)
    return {
      publicKey,
      sign: async (message, context = NO_CONTEXT) => {
        const signature = new Uint8Array(ML_DSA_SIGNATURE_BYTES)
        signature.set(this.#mac(own, message, context))
        return signature
      },
    }
  }

  async verify(
    publicKey: Uint8Array,
    message: Uint8Array,
    signature: Uint8Array,
    context: Uint8Array = NO_CONTEXT,
  ): Promise<boolean> {
    if (publicKey.length !== ML_DSA_PUBLIC_KEY_BYTES || signature.length !== ML_DSA_SIGNATURE_BYTES) return false
    if (Buffer.compare(signature.subarray(MAC_BYTES), PADDING) !== 0) return false
    return equal(signature.subarray(0, MAC_BYTES), this.#mac(this.#own(publicKey), message, context))
  }

  /** The secret that stands for a public key in this world. */
  #own(publicKey: Uint8Array): Uint8Array {
    return this.#hash.blake3Keyed(this.#secret, publicKey)
  }

  /** Keyed by the key's secret first, so that the message is hashed without being copied. */
  #mac(own: Uint8Array, message: Uint8Array, context: Uint8Array): Uint8Array {
    const scoped = context.length === 0 ? own : this.#hash.blake3Keyed(own, context)
    return this.#hash.blake3Keyed(scoped, message)
  }
}
