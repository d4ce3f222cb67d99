/**
 * Signatures for simulated worlds: the lengths of ML-DSA-65, thousands of times cheaper. A signature is a MAC under a
 * secret of the world, so a changed message, key, context or signature fails, and code that only holds a Signer can
 * sign for its own key only. Nobody outside one world accepts them.
 */
import { type Bytes, equal, latin1, type Random } from '../base/index.ts'
import {
  type Backend,
  ML_DSA_PUBLIC_KEY_BYTES,
  ML_DSA_SIGNATURE_BYTES,
  type Signer,
  type Verifier,
} from '../crypto/index.ts'
import { SimBuffer } from './sim-buffer.ts'

export type SimHash = Pick<Backend, 'blake3Keyed'>

const MAC_BYTES = 32
const PADDING = new Uint8Array(ML_DSA_SIGNATURE_BYTES - MAC_BYTES)
const NO_CONTEXT = new Uint8Array(0)
const SHEET_BYTES = 20 * ML_DSA_SIGNATURE_BYTES
/** Of a public key: they are random, so that these tell nearly all of them apart. */
const NAME_BYTES = 12
const MAX_KEYS = 100_000

export class SimSignatures implements Verifier {
  readonly #hash: SimHash
  readonly #secret: Bytes
  /** Keys that were used, by the beginning of the public one. */
  readonly #keys = new Map<string, { readonly publicKey: Uint8Array; readonly own: Uint8Array }>()
  #sheet: Bytes = new Uint8Array(0)

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
        const mac = this.#mac(own, message, context)
        const { buffer, byteOffset: at, length } = message
        if (buffer instanceof SimBuffer && context.length === 0) buffer.signed.push({ at, length, own, mac })
        return this.#signature(mac)
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
    const own = this.#own(publicKey)
    const mac = (context.length === 0 && saidOf(message, own)) || this.#mac(own, message, context)
    return equal(signature.subarray(0, MAC_BYTES), mac)
  }

  /** MAC and zeros. Cut from larger memory: a message takes one, and making memory costs more than filling it. */
  #signature(mac: Uint8Array): Bytes {
    if (this.#sheet.length < ML_DSA_SIGNATURE_BYTES) this.#sheet = new Uint8Array(SHEET_BYTES)
    const signature = this.#sheet.subarray(0, ML_DSA_SIGNATURE_BYTES)
    this.#sheet = this.#sheet.subarray(ML_DSA_SIGNATURE_BYTES)
    signature.set(mac)
    return signature
  }

  /** The secret that stands for a public key in this world; the same object for the same key. */
  #own(publicKey: Uint8Array): Uint8Array {
    const name = latin1(publicKey.subarray(0, NAME_BYTES))
    const known = this.#keys.get(name)
    if (known !== undefined && equal(known.publicKey, publicKey)) return known.own
    const own = this.#hash.blake3Keyed(this.#secret, publicKey)
    if (this.#keys.size < MAX_KEYS) this.#keys.set(name, { publicKey: publicKey.slice(), own })
    return own
  }

  /** Keyed by the key's secret first, so that the message is hashed without being copied. */
  #mac(own: Uint8Array, message: Uint8Array, context: Uint8Array): Uint8Array {
    const scoped = context.length === 0 ? own : this.#hash.blake3Keyed(own, context)
    return this.#hash.blake3Keyed(scoped, message)
  }
}

function saidOf({ buffer, byteOffset, length }: Uint8Array, own: Uint8Array): Uint8Array | undefined {
  if (!(buffer instanceof SimBuffer)) return undefined
  for (const said of buffer.signed) {
    if (said.at === byteOffset && said.length === length && said.own === own) return said.mac
  }
  return undefined
}
