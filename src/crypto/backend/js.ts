/** The judge: plain JS on @noble, readable and always there. Brotli is the reference's own encoder (brotli-wasm). */
import { ml_dsa65 } from '@noble/post-quantum/ml-dsa.js'
import { type Bytes, utf8 } from '../../base/index.ts'
import {
  type Backend,
  type Hasher,
  type KeyPair,
  ML_DSA_SECRET_KEY_BYTES,
  ML_DSA_SEED_BYTES,
  type SealedChunk,
  type SealKeys,
  type SignOptions,
} from '../backend.ts'
import { cutBaoSlice } from '../bao.ts'
import {
  checkBlock,
  checkBytes,
  checkContent,
  checkContext,
  checkLength,
  checkOpen,
  checkOut,
  checkOutputLength,
  checkSeal,
  checkSign,
  checkVerify,
  refuse,
} from './arguments.ts'
import { createBlake3, hashOnce } from './js-blake3.ts'
import { noncedPath, noncedRoot } from './js-blocks.ts'
import { openChunk, sealChunk } from './js-seal.ts'

class JsHasher implements Hasher {
  readonly #state: ReturnType<typeof createBlake3>

  constructor(state: ReturnType<typeof createBlake3>) {
    this.#state = state
  }
  update(data: Uint8Array): this {
    checkBytes(data, 'data')
    this.#state.update(data)
    return this
  }
  digest(length = 32): Bytes {
    checkOutputLength(length)
    // A copy: reading output ends a @noble state.
    return length === 0 ? new Uint8Array(0) : (this.#state.clone().xof(length) as Bytes)
  }
}

class JsBackend implements Backend {
  readonly name = 'js'

  blake3(data: Uint8Array): Bytes {
    checkBytes(data, 'data')
    return hashOnce(data, 32)
  }
  blake3Into(data: Uint8Array, out: Uint8Array, offset = 0): void {
    checkBytes(data, 'data')
    checkOut(out, offset)
    out.set(hashOnce(data, 32), offset)
  }
  blake3Keyed(key: Uint8Array, data: Uint8Array): Bytes {
    checkLength(key, 32, 'key')
    checkBytes(data, 'data')
    return hashOnce(data, 32, { key })
  }
  blake3DeriveKey(context: string, material: Uint8Array, length = 32): Bytes {
    checkContext(context)
    checkBytes(material, 'key material')
    checkOutputLength(length)
    return hashOnce(material, length, { context: utf8(context) })
  }
  blake3Xof(data: Uint8Array, length: number): Bytes {
    checkBytes(data, 'data')
    checkOutputLength(length)
    return hashOnce(data, length)
  }
  createHasher(): Hasher {
    return new JsHasher(createBlake3({}))
  }
  createKeyedHasher(key: Uint8Array): Hasher {
    checkLength(key, 32, 'key')
    return new JsHasher(createBlake3({ key }))
  }
  createDeriveKeyHasher(context: string): Hasher {
    checkContext(context)
    return new JsHasher(createBlake3({ context: utf8(context) }))
  }

  mlDsaKeyPair(seed: Uint8Array): KeyPair {
    checkLength(seed, ML_DSA_SEED_BYTES, 'seed')
    return ml_dsa65.keygen(seed) as KeyPair
  }
  mlDsaPublicKey(secretKey: Uint8Array): Bytes {
    checkLength(secretKey, ML_DSA_SECRET_KEY_BYTES, 'secret key')
    return badKeyRefused(() => ml_dsa65.getPublicKey(secretKey) as Bytes)
  }
  mlDsaSign(secretKey: Uint8Array, message: Uint8Array, options?: SignOptions): Bytes {
    const { context, randomness } = checkSign(secretKey, message, options)
    const entropy = randomness === undefined ? {} : { extraEntropy: randomness }
    return badKeyRefused(() => ml_dsa65.sign(message, secretKey, { context, ...entropy }) as Bytes)
  }
  mlDsaVerify(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array, context?: Uint8Array): boolean {
    if (!checkVerify(publicKey, message, signature, context)) return false
    return ml_dsa65.verify(signature, message, publicKey, context === undefined ? {} : { context })
  }

  sealChunk(plain: Uint8Array, keys: SealKeys): SealedChunk {
    const input = checkSeal(plain, keys)
    return sealChunk(plain, input)
  }
  openChunk(content: Uint8Array, keys: SealKeys, size: number): Bytes {
    const input = checkOpen(content, keys, size)
    return openChunk(content, input, size)
  }

  noncedRoot(blockKey: Uint8Array, content: Uint8Array): Bytes {
    checkLength(blockKey, 32, 'block key')
    checkContent(content)
    return noncedRoot(blockKey, content)
  }
  noncedPath(blockKey: Uint8Array, content: Uint8Array, index: number): Bytes {
    checkLength(blockKey, 32, 'block key')
    checkBlock(content, index)
    return noncedPath(blockKey, content, index)
  }
  baoSlice(content: Uint8Array, index: number): Bytes {
    checkBlock(content, index)
    return cutBaoSlice(content, index)
  }
}

function badKeyRefused<T>(run: () => T): T {
  try {
    return run()
  } catch (error) {
    return refuse(`secret key is not a valid ML-DSA-65 key: ${(error as Error).message}`)
  }
}

export function createJsBackend(): Backend {
  return new JsBackend()
}
