/** Chunks on their way from plain bytes to the caller: sealed side by side, handed over in order, bounded. */
import { assert, type Bytes, Semaphore } from '../base/index.ts'
import type { SealedChunk, SealKeys } from '../crypto/index.ts'
import { type ChunkAddress, chunkAddressOf } from '../protocol/index.ts'

export interface EncryptedChunk {
  readonly address: ChunkAddress
  /** Fresh. */
  readonly content: Bytes
  readonly index: number
  /** 0 for the file's own chunks, k for those of the k-th shrink. */
  readonly level: number
}

export interface SealPipelineDeps {
  seal(plain: Bytes, keys: SealKeys): Promise<SealedChunk>
  /** Calls begin in the order of `push` and may overlap; a chunk keeps its place until its call has ended. */
  emit(chunk: EncryptedChunk): Promise<void>
}

export class SealPipeline {
  readonly #deps: SealPipelineDeps
  readonly #scope: AbortController
  readonly #slots: Semaphore
  readonly #running = new Set<Promise<void>>()
  readonly #sizes = new Map<ChunkAddress, number>()
  #turn: Promise<void> = Promise.resolve()

  /** A failure aborts `scope` with its error. `places`: chunks between `push` and the end of `emit`. */
  constructor(deps: SealPipelineDeps, scope: AbortController, places: number) {
    this.#deps = deps
    this.#scope = scope
    this.#slots = new Semaphore(places, 1)
  }

  /** Waits for a free place. `plain` is moved; the address will be in `addresses` after the next `drain`. */
  async push(plain: Bytes, keys: SealKeys, addresses: ChunkAddress[]): Promise<void> {
    const release = await this.#slots.acquire(this.#scope.signal)
    const before = this.#turn
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#turn = promise
    const run = this.#handle(plain, keys, addresses, before, resolve)
      .catch((error) => this.#scope.abort(error))
      .finally(() => {
        resolve()
        release()
        this.#running.delete(run)
      })
    this.#running.add(run)
  }

  /** Resolves when nothing is on its way; rejects with the first failure, or the reason of the abort. */
  async drain(): Promise<void> {
    await this.settle()
    this.#scope.signal.throwIfAborted()
  }

  async settle(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running)
  }

  /** Every address handed over so far, sorted, each once. */
  addresses(): ChunkAddress[] {
    return [...this.#sizes.keys()].sort()
  }

  async #handle(
    plain: Bytes,
    keys: SealKeys,
    addresses: ChunkAddress[],
    before: Promise<void>,
    begun: () => void,
  ): Promise<void> {
    const sealed = await this.#deps.seal(plain, keys)
    await before
    this.#scope.signal.throwIfAborted()
    const { content } = sealed
    const address = chunkAddressOf(sealed.address)
    addresses[keys.index] = address
    const known = this.#sizes.get(address)
    assert(known === undefined || known === content.length, `two chunks of different size have the address ${address}`)
    this.#sizes.set(address, content.length)
    const emission =
      known === undefined ? this.#deps.emit({ address, content, index: keys.index, level: keys.level }) : undefined
    begun()
    await emission
  }
}
