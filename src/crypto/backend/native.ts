/**
 * The native kernels: a thin typed shell over the addon. Results are allocated here, because JS makes small arrays
 * several times faster than the addon could, and an allocation that fails is a RangeError here but fatal over there.
 */
import { type Bytes, codeOf, messageOf, unfilled, utf8 } from '../../base/index.ts'
import {
  type Backend,
  HASH_BYTES,
  type Hasher,
  type KeyPair,
  ML_DSA_PUBLIC_KEY_BYTES,
  ML_DSA_SECRET_KEY_BYTES,
  ML_DSA_SEED_BYTES,
  ML_DSA_SIGNATURE_BYTES,
  type OffThread,
  type SealedChunk,
  type SealKeys,
  type SignOptions,
} from '../backend.ts'
import { baoSliceBytes, noncedPathNodes } from '../blocks.ts'
import { CryptoError, type CryptoErrorCode } from '../errors.ts'
import { loadAddon } from './addon.ts'
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
} from './arguments.ts'

/** What the addon exports (native/addon/shell). Every call checks its arguments again and throws coded errors. */
interface Kernels {
  blake3Into(data: Uint8Array, out: Uint8Array, offset: number): void
  blake3ModeInto(mode: number, key: Uint8Array, data: Uint8Array, out: Uint8Array): void
  readonly Hasher: new (mode: number, key: Uint8Array) => NativeState
  mlDsaKeyPairInto(seed: Uint8Array, publicKey: Uint8Array, secretKey: Uint8Array): void
  mlDsaPublicKeyInto(secretKey: Uint8Array, publicKey: Uint8Array): void
  mlDsaSignInto(
    secretKey: Uint8Array,
    message: Uint8Array,
    context: Uint8Array,
    randomness: Uint8Array,
    signature: Uint8Array,
  ): void
  mlDsaVerify(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array, context: Uint8Array): boolean
  sealChunk(plain: Uint8Array, input: Uint8Array, address: Uint8Array): Bytes
  openChunkInto(content: Uint8Array, input: Uint8Array, plain: Uint8Array): void
  noncedRootInto(blockKey: Uint8Array, content: Uint8Array, out: Uint8Array): void
  noncedPathInto(blockKey: Uint8Array, content: Uint8Array, index: number, out: Uint8Array): void
  baoSliceInto(content: Uint8Array, index: number, out: Uint8Array): void
  noncedRootLater(blockKey: Uint8Array, content: Uint8Array): Promise<Bytes>
  noncedPathLater(blockKey: Uint8Array, content: Uint8Array, index: number, length: number): Promise<Bytes>
  baoSliceLater(content: Uint8Array, index: number, length: number): Promise<Bytes>
  blake3Later(data: Uint8Array): Promise<Bytes>
  mlDsaSignLater(secretKey: Uint8Array, message: Uint8Array, context: Uint8Array): Promise<Bytes>
  mlDsaVerifyLater(
    publicKey: Uint8Array,
    message: Uint8Array,
    signature: Uint8Array,
    context: Uint8Array,
  ): Promise<boolean>
}

interface NativeState {
  update(data: Uint8Array): void
  digestInto(out: Uint8Array): void
}

const MODE_PLAIN = 0
const MODE_KEYED = 1
const MODE_DERIVE_KEY = 2
const EMPTY = new Uint8Array(0)

class NativeHasher implements Hasher {
  readonly #state: NativeState

  constructor(state: NativeState) {
    this.#state = state
  }
  update(data: Uint8Array): this {
    checkBytes(data, 'data')
    this.#state.update(data)
    return this
  }
  digest(length = HASH_BYTES): Bytes {
    checkOutputLength(length)
    const out = new Uint8Array(length)
    this.#state.digestInto(out)
    return out
  }
}

/** Node's own threads: no worker of ours, no copy, about 20 us a call. */
class NativeOffThread implements OffThread {
  readonly #kernels: Kernels

  constructor(kernels: Kernels) {
    this.#kernels = kernels
  }

  async blake3(data: Uint8Array): Promise<Bytes> {
    checkBytes(data, 'data')
    return this.#kernels.blake3Later(data)
  }
  async mlDsaSign(secretKey: Uint8Array, message: Uint8Array, context?: Uint8Array): Promise<Bytes> {
    const options = checkSign(secretKey, message, context === undefined ? {} : { context })
    try {
      return await this.#kernels.mlDsaSignLater(secretKey, message, options.context)
    } catch (cause) {
      throw kernelError(cause)
    }
  }
  async mlDsaVerify(
    publicKey: Uint8Array,
    message: Uint8Array,
    signature: Uint8Array,
    context?: Uint8Array,
  ): Promise<boolean> {
    if (!checkVerify(publicKey, message, signature, context)) return false
    return this.#kernels.mlDsaVerifyLater(publicKey, message, signature, context ?? EMPTY)
  }
  async noncedRoot(blockKey: Uint8Array, content: Uint8Array): Promise<Bytes> {
    checkLength(blockKey, HASH_BYTES, 'block key')
    checkContent(content)
    return this.#kernels.noncedRootLater(blockKey, content)
  }
  async noncedPath(blockKey: Uint8Array, content: Uint8Array, index: number): Promise<Bytes> {
    checkLength(blockKey, HASH_BYTES, 'block key')
    checkBlock(content, index)
    return this.#kernels.noncedPathLater(blockKey, content, index, pathBytes(content))
  }
  async baoSlice(content: Uint8Array, index: number): Promise<Bytes> {
    checkBlock(content, index)
    return this.#kernels.baoSliceLater(content, index, baoSliceBytes(content.length, index))
  }
}

class NativeBackend implements Backend {
  readonly name = 'native'
  readonly offThread: OffThread
  readonly #kernels: Kernels
  /** The addon writes here, in memory made once; a copy of 32 bytes is cheaper than memory that it can see. */
  readonly #hash = new Uint8Array(HASH_BYTES)

  constructor(kernels: Kernels) {
    this.#kernels = kernels
    this.offThread = new NativeOffThread(kernels)
  }

  blake3(data: Uint8Array): Bytes {
    checkBytes(data, 'data')
    this.#kernels.blake3Into(data, this.#hash, 0)
    return this.#hash.slice()
  }
  blake3Into(data: Uint8Array, out: Uint8Array, offset = 0): void {
    checkBytes(data, 'data')
    checkOut(out, offset)
    this.#kernels.blake3Into(data, out, offset)
  }
  blake3Keyed(key: Uint8Array, data: Uint8Array): Bytes {
    checkLength(key, HASH_BYTES, 'key')
    checkBytes(data, 'data')
    return this.#modeHash(MODE_KEYED, key, data, HASH_BYTES)
  }
  blake3DeriveKey(context: string, material: Uint8Array, length = HASH_BYTES): Bytes {
    checkContext(context)
    checkBytes(material, 'key material')
    checkOutputLength(length)
    return this.#modeHash(MODE_DERIVE_KEY, utf8(context), material, length)
  }
  blake3Xof(data: Uint8Array, length: number): Bytes {
    checkBytes(data, 'data')
    checkOutputLength(length)
    return this.#modeHash(MODE_PLAIN, EMPTY, data, length)
  }
  #modeHash(mode: number, key: Uint8Array, data: Uint8Array, length: number): Bytes {
    if (length === HASH_BYTES) {
      this.#kernels.blake3ModeInto(mode, key, data, this.#hash)
      return this.#hash.slice()
    }
    const out = new Uint8Array(length)
    this.#kernels.blake3ModeInto(mode, key, data, out)
    return out
  }
  createHasher(): Hasher {
    return new NativeHasher(new this.#kernels.Hasher(MODE_PLAIN, EMPTY))
  }
  createKeyedHasher(key: Uint8Array): Hasher {
    checkLength(key, HASH_BYTES, 'key')
    return new NativeHasher(new this.#kernels.Hasher(MODE_KEYED, key))
  }
  createDeriveKeyHasher(context: string): Hasher {
    checkContext(context)
    return new NativeHasher(new this.#kernels.Hasher(MODE_DERIVE_KEY, utf8(context)))
  }

  mlDsaKeyPair(seed: Uint8Array): KeyPair {
    checkLength(seed, ML_DSA_SEED_BYTES, 'seed')
    const publicKey = new Uint8Array(ML_DSA_PUBLIC_KEY_BYTES)
    const secretKey = new Uint8Array(ML_DSA_SECRET_KEY_BYTES)
    coded(() => this.#kernels.mlDsaKeyPairInto(seed, publicKey, secretKey))
    return { publicKey, secretKey }
  }
  mlDsaPublicKey(secretKey: Uint8Array): Bytes {
    checkLength(secretKey, ML_DSA_SECRET_KEY_BYTES, 'secret key')
    const publicKey = new Uint8Array(ML_DSA_PUBLIC_KEY_BYTES)
    coded(() => this.#kernels.mlDsaPublicKeyInto(secretKey, publicKey))
    return publicKey
  }
  mlDsaSign(secretKey: Uint8Array, message: Uint8Array, options?: SignOptions): Bytes {
    const { context, randomness = EMPTY } = checkSign(secretKey, message, options)
    const signature = new Uint8Array(ML_DSA_SIGNATURE_BYTES)
    coded(() => this.#kernels.mlDsaSignInto(secretKey, message, context, randomness, signature))
    return signature
  }
  mlDsaVerify(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array, context?: Uint8Array): boolean {
    if (!checkVerify(publicKey, message, signature, context)) return false
    return this.#kernels.mlDsaVerify(publicKey, message, signature, context ?? EMPTY)
  }

  sealChunk(plain: Uint8Array, keys: SealKeys): SealedChunk {
    const input = checkSeal(plain, keys)
    const address = new Uint8Array(HASH_BYTES)
    const content = coded(() => this.#kernels.sealChunk(plain, input, address))
    return { content, address }
  }
  openChunk(content: Uint8Array, keys: SealKeys, size: number): Bytes {
    const input = checkOpen(content, keys, size)
    const plain = unfilled(size)
    coded(
      () => this.#kernels.openChunkInto(content, input, plain),
      `chunk of ${content.length} bytes, declared as ${size} plain bytes`,
    )
    return plain
  }

  noncedRoot(blockKey: Uint8Array, content: Uint8Array): Bytes {
    checkLength(blockKey, HASH_BYTES, 'block key')
    checkContent(content)
    this.#kernels.noncedRootInto(blockKey, content, this.#hash)
    return this.#hash.slice()
  }
  noncedPath(blockKey: Uint8Array, content: Uint8Array, index: number): Bytes {
    checkLength(blockKey, HASH_BYTES, 'block key')
    checkBlock(content, index)
    const out = new Uint8Array(pathBytes(content))
    this.#kernels.noncedPathInto(blockKey, content, index, out)
    return out
  }
  baoSlice(content: Uint8Array, index: number): Bytes {
    checkBlock(content, index)
    const out = new Uint8Array(baoSliceBytes(content.length, index))
    this.#kernels.baoSliceInto(content, index, out)
    return out
  }
}

function pathBytes(content: Uint8Array): number {
  return noncedPathNodes(content.length) * HASH_BYTES
}

/** The addon throws plain errors with a code: here they become errors of this room. */
function coded<T>(run: () => T, what?: string): T {
  try {
    return run()
  } catch (cause) {
    throw kernelError(cause, what)
  }
}

function kernelError(cause: unknown, what = 'native kernel'): CryptoError {
  const code = (codeOf(cause) ?? 'CRYPTO_ARGUMENT') as CryptoErrorCode
  return new CryptoError(code, `${what}: ${messageOf(cause)}`, { cause })
}

/** Throws CRYPTO_BACKEND_MISSING when the addon is not built or does not load. */
export function createNativeBackend(): Backend {
  return new NativeBackend(loadAddon().exports as unknown as Kernels)
}
