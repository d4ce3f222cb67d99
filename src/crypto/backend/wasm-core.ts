/**
 * One instance of native/core as WebAssembly and its memory. Arguments are copied into a scratch area, or into memory
 * allocated for the call when they are larger; every view is taken anew because memory moves when it grows.
 */
import { MiB } from '../../base/index.ts'
import { refuse } from './arguments.ts'

/** Functions of native/core/src/c_abi; pointers and lengths are numbers, statuses 0 for success. */
export interface WasmExports {
  readonly memory: { readonly buffer: ArrayBuffer }
  mx_abi_version(): number
  mx_alloc(length: number): number
  mx_free(data: number, length: number): void
  mx_blake3(data: number, length: number, out: number): number
  mx_blake3_mode(
    mode: number,
    key: number,
    keyLength: number,
    data: number,
    length: number,
    out: number,
    outLength: number,
  ): number
  mx_hasher_new(mode: number, key: number, keyLength: number): number
  mx_hasher_update(hasher: number, data: number, length: number): number
  mx_hasher_digest(hasher: number, position: bigint, out: number, length: number): number
  mx_hasher_free(hasher: number): void
  mx_ml_dsa_key_pair(seed: number, publicKey: number, secretKey: number): number
  mx_ml_dsa_sign(
    secretKey: number,
    message: number,
    messageLength: number,
    context: number,
    contextLength: number,
    randomness: number,
    signature: number,
  ): number
  mx_ml_dsa_verify(
    publicKey: number,
    message: number,
    messageLength: number,
    signature: number,
    context: number,
    contextLength: number,
  ): number
  mx_seal(plain: number, length: number, input: number, address: number, content: number): number
  mx_open(content: number, length: number, input: number, plain: number, size: number): number
  mx_buffer_free(buffer: number): void
  mx_nonced_root(key: number, content: number, length: number, out: number): number
  mx_nonced_path(key: number, content: number, length: number, index: number, out: number, outLength: number): number
  mx_bao_slice(content: number, length: number, index: number, out: number, outLength: number): number
}

/** Longest piece that goes through the scratch area: larger inputs of a hash are fed in pieces of this size. */
export const SCRATCH_BYTES = 256 * 1024

/** Above this an instance is given up after the call: WebAssembly memory never shrinks. A 4 MiB seal needs about 30. */
const RETAINED_MAX_BYTES = 64 * MiB

export class WasmCore {
  readonly exports: WasmExports
  readonly scratch: number
  #view: Uint8Array<ArrayBuffer>

  constructor(exports: WasmExports) {
    this.exports = exports
    this.scratch = this.alloc(SCRATCH_BYTES)
    this.#view = new Uint8Array(exports.memory.buffer)
  }

  /** All of the memory; a view taken before a call that allocates must not be used after it. */
  get memory(): Uint8Array<ArrayBuffer> {
    if (this.#view.length === 0) this.#view = new Uint8Array(this.exports.memory.buffer)
    return this.#view
  }

  /** true when this instance holds so much memory that a new one should take its place. */
  get oversized(): boolean {
    return this.exports.memory.buffer.byteLength > RETAINED_MAX_BYTES
  }

  alloc(length: number): number {
    // A pointer above 2 GiB comes back negative.
    const address = this.exports.mx_alloc(length) >>> 0
    if (address === 0) refuse(`the wasm core has no memory for ${length} bytes`)
    return address
  }

  /** Copies the inputs side by side, leaves room for `outputBytes`, runs, and frees and wipes what it took. */
  withArguments<T>(
    inputs: readonly Uint8Array[],
    outputBytes: number,
    run: (inputs: number[], output: number) => T,
  ): T {
    let total = outputBytes
    for (const input of inputs) total += input.length
    const small = total <= SCRATCH_BYTES
    const start = small ? this.scratch : this.alloc(total)
    // The output lies first: the core writes 32-bit fields into it, and both areas are aligned.
    let next = start + outputBytes
    const places: number[] = []
    for (const input of inputs) {
      this.memory.set(input, next)
      places.push(next)
      next += input.length
    }
    const result = run(places, start)
    if (small) this.memory.fill(0, start, next)
    else this.exports.mx_free(start, total)
    return result
  }

  copyOut(address: number, length: number): Uint8Array<ArrayBuffer> {
    return this.memory.slice(address, address + length)
  }
}
