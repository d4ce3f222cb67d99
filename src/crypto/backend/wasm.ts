/** The kernels of native/core as WebAssembly with SIMD: the same code as the addon, for machines without it. */
import { type Bytes, messageOf, systemRandom, utf8 } from '../../base/index.ts'
import {
  type Backend,
  HASH_BYTES,
  type Hasher,
  type KeyPair,
  ML_DSA_PUBLIC_KEY_BYTES,
  ML_DSA_RANDOMNESS_BYTES,
  ML_DSA_SECRET_KEY_BYTES,
  ML_DSA_SEED_BYTES,
  ML_DSA_SIGNATURE_BYTES,
  type SealedChunk,
  type SealKeys,
  type SignOptions,
} from '../backend.ts'
import { baoSliceBytes, noncedPathNodes } from '../blocks.ts'
import { CryptoError, type CryptoErrorCode } from '../errors.ts'
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
import { createJsBackend } from './js.ts'
import { SCRATCH_BYTES, WasmCore, type WasmExports } from './wasm-core.ts'
import { MODE_DERIVE_KEY, MODE_KEYED, MODE_PLAIN, WasmHasher } from './wasm-hasher.ts'
import { compileCore } from './wasm-module.ts'

const EMPTY = new Uint8Array(0)
/** The core's record of a buffer (address, length, capacity), rounded up. */
const BUFFER_RECORD_BYTES = 16
const CODES: Readonly<Record<number, readonly [CryptoErrorCode, string]>> = {
  [-2]: ['CRYPTO_OPEN_AUTHENTICATION', 'fails its authentication'],
  [-3]: ['CRYPTO_OPEN_SIZE', 'has more or fewer plain bytes'],
  [-4]: ['CRYPTO_OPEN_HASH', 'has another source hash'],
  [-5]: ['CRYPTO_OPEN_COMPRESSION', 'holds no valid Brotli stream'],
}

class WasmBackend implements Backend {
  readonly name = 'wasm'
  readonly #instantiate: () => WasmExports
  #core: WasmCore

  constructor(instantiate: () => WasmExports) {
    this.#instantiate = instantiate
    this.#core = new WasmCore(instantiate())
  }

  blake3(data: Uint8Array): Bytes {
    checkBytes(data, 'data')
    const out = new Uint8Array(HASH_BYTES)
    this.#hashInto(data, out, 0)
    return out
  }
  blake3Into(data: Uint8Array, out: Uint8Array, offset = 0): void {
    checkBytes(data, 'data')
    checkOut(out, offset)
    this.#hashInto(data, out, offset)
  }
  #hashInto(data: Uint8Array, out: Uint8Array, offset: number): void {
    const { exports, scratch } = this.#core
    const room = SCRATCH_BYTES - HASH_BYTES
    if (data.length > room) {
      out.set(this.#digestOnce(MODE_PLAIN, EMPTY, data, HASH_BYTES), offset)
      return
    }
    const memory = this.#core.memory
    memory.set(data, scratch + HASH_BYTES)
    exports.mx_blake3(scratch + HASH_BYTES, data.length, scratch)
    for (let i = 0; i < HASH_BYTES; i++) out[offset + i] = memory[scratch + i] as number
  }
  #digestOnce(mode: number, key: Uint8Array, data: Uint8Array, length: number): Bytes {
    if (key.length + data.length + length <= SCRATCH_BYTES) {
      const core = this.#core
      return core.withArguments([key, data], length, ([keyAt = 0, at = 0], output) => {
        core.exports.mx_blake3_mode(mode, keyAt, key.length, at, data.length, output, length)
        return core.copyOut(output, length)
      })
    }
    const hasher = new WasmHasher(this.#core, mode, key)
    try {
      return hasher.update(data).digest(length)
    } finally {
      hasher.free()
    }
  }
  blake3Keyed(key: Uint8Array, data: Uint8Array): Bytes {
    checkLength(key, HASH_BYTES, 'key')
    checkBytes(data, 'data')
    return this.#digestOnce(MODE_KEYED, key, data, HASH_BYTES)
  }
  blake3DeriveKey(context: string, material: Uint8Array, length = HASH_BYTES): Bytes {
    checkContext(context)
    checkBytes(material, 'key material')
    checkOutputLength(length)
    return this.#digestOnce(MODE_DERIVE_KEY, utf8(context), material, length)
  }
  blake3Xof(data: Uint8Array, length: number): Bytes {
    checkBytes(data, 'data')
    checkOutputLength(length)
    return this.#digestOnce(MODE_PLAIN, EMPTY, data, length)
  }
  createHasher(): Hasher {
    return new WasmHasher(this.#core, MODE_PLAIN, EMPTY)
  }
  createKeyedHasher(key: Uint8Array): Hasher {
    checkLength(key, HASH_BYTES, 'key')
    return new WasmHasher(this.#core, MODE_KEYED, key)
  }
  createDeriveKeyHasher(context: string): Hasher {
    checkContext(context)
    return this.#run((core) => new WasmHasher(core, MODE_DERIVE_KEY, utf8(context)))
  }

  mlDsaKeyPair(seed: Uint8Array): KeyPair {
    checkLength(seed, ML_DSA_SEED_BYTES, 'seed')
    const outputBytes = ML_DSA_PUBLIC_KEY_BYTES + ML_DSA_SECRET_KEY_BYTES
    return this.#run((core) =>
      core.withArguments([seed], outputBytes, ([at = 0], output) => {
        const secretAt = output + ML_DSA_PUBLIC_KEY_BYTES
        core.exports.mx_ml_dsa_key_pair(at, output, secretAt)
        const publicKey = core.copyOut(output, ML_DSA_PUBLIC_KEY_BYTES)
        return { publicKey, secretKey: core.copyOut(secretAt, ML_DSA_SECRET_KEY_BYTES) }
      }),
    )
  }
  /** libcrux, which the core uses here, has no such function; it is needed once per identity, so the judge does it. */
  mlDsaPublicKey(secretKey: Uint8Array): Bytes {
    return createJsBackend().mlDsaPublicKey(secretKey)
  }
  mlDsaSign(secretKey: Uint8Array, message: Uint8Array, options?: SignOptions): Bytes {
    const checked = checkSign(secretKey, message, options)
    const randomness = checked.randomness ?? systemRandom.bytes(ML_DSA_RANDOMNESS_BYTES)
    const inputs = [secretKey, message, checked.context, randomness]
    return (
      this.#run((core) =>
        core.withArguments(inputs, ML_DSA_SIGNATURE_BYTES, ([key = 0, text = 0, context = 0, random = 0], output) => {
          const { length } = checked.context
          const status = core.exports.mx_ml_dsa_sign(key, text, message.length, context, length, random, output)
          return status === 0 ? core.copyOut(output, ML_DSA_SIGNATURE_BYTES) : undefined
        }),
      ) ?? refuseKey()
    )
  }
  mlDsaVerify(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array, context = EMPTY): boolean {
    if (!checkVerify(publicKey, message, signature, context)) return false
    return this.#run((core) =>
      core.withArguments(
        [publicKey, message, signature, context],
        0,
        ([key = 0, text = 0, proof = 0, at = 0]) =>
          core.exports.mx_ml_dsa_verify(key, text, message.length, proof, at, context.length) === 1,
      ),
    )
  }

  sealChunk(plain: Uint8Array, keys: SealKeys): SealedChunk {
    const input = checkSeal(plain, keys)
    const outputBytes = BUFFER_RECORD_BYTES + HASH_BYTES
    return this.#run((core) =>
      core.withArguments([plain, input], outputBytes, ([at = 0, inputAt = 0], output) => {
        const addressAt = output + BUFFER_RECORD_BYTES
        const status = core.exports.mx_seal(at, plain.length, inputAt, addressAt, output)
        if (status !== 0) throw new Error(`seal gave status ${status}`)
        const record = new DataView(core.memory.buffer, output, BUFFER_RECORD_BYTES)
        const content = core.copyOut(record.getUint32(0, true), record.getUint32(4, true))
        const address = core.copyOut(addressAt, HASH_BYTES)
        core.exports.mx_buffer_free(output)
        return { content, address }
      }),
    )
  }
  openChunk(content: Uint8Array, keys: SealKeys, size: number): Bytes {
    const input = checkOpen(content, keys, size)
    const opened = this.#run((core) =>
      core.withArguments([content, input], size, ([at = 0, inputAt = 0], output) => {
        const status = core.exports.mx_open(at, content.length, inputAt, output, size)
        return status === 0 ? core.copyOut(output, size) : status
      }),
    )
    if (typeof opened !== 'number') return opened
    const [code, what] = CODES[opened] ?? ['CRYPTO_ARGUMENT', `fails with status ${opened}`]
    throw new CryptoError(code, `chunk of ${content.length} bytes, declared as ${size} plain bytes, ${what}`)
  }

  noncedRoot(blockKey: Uint8Array, content: Uint8Array): Bytes {
    checkLength(blockKey, HASH_BYTES, 'block key')
    checkContent(content)
    return this.#blocks([blockKey, content], HASH_BYTES, ({ mx_nonced_root }, [key = 0, at = 0], out) =>
      mx_nonced_root(key, at, content.length, out),
    )
  }
  noncedPath(blockKey: Uint8Array, content: Uint8Array, index: number): Bytes {
    checkLength(blockKey, HASH_BYTES, 'block key')
    checkBlock(content, index)
    const length = noncedPathNodes(content.length) * HASH_BYTES
    return this.#blocks([blockKey, content], length, ({ mx_nonced_path }, [key = 0, at = 0], out) =>
      mx_nonced_path(key, at, content.length, index, out, length),
    )
  }
  baoSlice(content: Uint8Array, index: number): Bytes {
    checkBlock(content, index)
    const length = baoSliceBytes(content.length, index)
    return this.#blocks([content], length, ({ mx_bao_slice }, [at = 0], out) =>
      mx_bao_slice(at, content.length, index, out, length),
    )
  }
  #blocks(
    inputs: readonly Uint8Array[],
    length: number,
    call: (exports: WasmExports, inputs: number[], out: number) => number,
  ): Bytes {
    return this.#run((core) =>
      core.withArguments(inputs, length, (places, out) => {
        const status = call(core.exports, places, out)
        if (status !== 0) refuse(`the block kernel gave status ${status}`)
        return core.copyOut(out, length)
      }),
    )
  }

  /** A call that may allocate: an instance that trapped or grew large is replaced by a fresh one. */
  #run<T>(call: (core: WasmCore) => T): T {
    try {
      return call(this.#core)
    } catch (cause) {
      if (cause instanceof CryptoError) throw cause
      this.#core = new WasmCore(this.#instantiate())
      throw new CryptoError('CRYPTO_ARGUMENT', `the wasm core stopped: ${messageOf(cause)}`, { cause })
    } finally {
      if (this.#core.oversized) this.#core = new WasmCore(this.#instantiate())
    }
  }
}

function refuseKey(): never {
  throw new CryptoError('CRYPTO_ARGUMENT', 'secret key is not a valid ML-DSA-65 key')
}

/** Throws CRYPTO_BACKEND_MISSING when the built file is missing, altered or cannot run here (no SIMD). */
export function createWasmBackend(): Backend {
  return createWasmBackendWith(compileCore())
}

/** The same over instances of the caller's making. */
export function createWasmBackendWith(instantiate: () => WasmExports): Backend {
  return new WasmBackend(instantiate)
}
