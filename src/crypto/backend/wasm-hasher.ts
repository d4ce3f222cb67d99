import type { Bytes } from '../../base/index.ts'
import { HASH_BYTES, type Hasher } from '../backend.ts'
import { checkBytes, checkOutputLength, refuse } from './arguments.ts'
import { SCRATCH_BYTES, type WasmCore } from './wasm-core.ts'

export const MODE_PLAIN = 0
export const MODE_KEYED = 1
export const MODE_DERIVE_KEY = 2

/** The state lies in the core's memory: it is freed when the hasher is collected, or by `free` before that. */
const abandoned = new FinalizationRegistry<{ core: WasmCore; state: number }>(({ core, state }) =>
  core.exports.mx_hasher_free(state),
)

/** Stays with the core it was made in, also when the backend has moved on to a fresh one. */
export class WasmHasher implements Hasher {
  readonly #core: WasmCore
  readonly #state: number

  constructor(core: WasmCore, mode: number, key: Uint8Array) {
    this.#core = core
    this.#state = core.withArguments([key], 0, ([at = 0]) => core.exports.mx_hasher_new(mode, at, key.length)) >>> 0
    if (this.#state === 0) refuse('the wasm core cannot make this hasher')
    abandoned.register(this, { core, state: this.#state }, this)
  }

  update(data: Uint8Array): this {
    checkBytes(data, 'data')
    const { exports, scratch } = this.#core
    for (let at = 0; at < data.length; at += SCRATCH_BYTES) {
      const piece = data.subarray(at, at + SCRATCH_BYTES)
      this.#core.memory.set(piece, scratch)
      exports.mx_hasher_update(this.#state, scratch, piece.length)
    }
    return this
  }

  digest(length = HASH_BYTES): Bytes {
    checkOutputLength(length)
    const { exports, scratch } = this.#core
    const out = new Uint8Array(length)
    for (let at = 0; at < length; at += SCRATCH_BYTES) {
      const size = Math.min(SCRATCH_BYTES, length - at)
      exports.mx_hasher_digest(this.#state, BigInt(at), scratch, size)
      out.set(this.#core.memory.subarray(scratch, scratch + size), at)
    }
    return out
  }

  /** Only for hashers that nobody else holds. */
  free(): void {
    abandoned.unregister(this)
    this.#core.exports.mx_hasher_free(this.#state)
  }
}
