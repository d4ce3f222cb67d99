/** What the self-encryption tests share: small chunks so that small inputs have many levels, a store, counted fetches. */
import { type Bytes, never, seededRandom } from '../../../src/base/index.ts'
import { createInlineCompute } from '../../../src/compute/index.ts'
import type { ChunkAddress } from '../../../src/protocol/index.ts'
import {
  type ByteSource,
  type DataMap,
  type EncryptedChunk,
  type EncryptResult,
  type EncryptStreamOptions,
  encryptStream,
  type SelfEncryptionLimits,
  sourceFromBytes,
} from '../../../src/self-encryption/index.ts'

/** Everything goes through the compute port. */
export const MAX = 400
export const limits: Partial<SelfEncryptionLimits> = { maxChunkBytes: MAX, inlineBelowBytes: 0 }

export class Store {
  readonly chunks = new Map<ChunkAddress, Bytes>()
  readonly order: EncryptedChunk[] = []
  fetched: ChunkAddress[] = []

  readonly onChunk = async (chunk: EncryptedChunk): Promise<void> => {
    this.order.push(chunk)
    this.chunks.set(chunk.address, chunk.content)
  }

  readonly fetchChunk = async (address: ChunkAddress): Promise<Bytes> => {
    this.fetched.push(address)
    const chunk = this.chunks.get(address)
    if (chunk === undefined) throw new Error('not in the store')
    return chunk.slice()
  }

  reading(): { fetchChunk: Store['fetchChunk']; compute: ReturnType<typeof createInlineCompute>; signal: AbortSignal } {
    return { fetchChunk: this.fetchChunk, compute: createInlineCompute(), signal: never }
  }
}

export function content(length: number, seed = length): Bytes {
  return seededRandom(seed).bytes(length)
}

export async function encryptInto(
  store: Store,
  from: Uint8Array | ByteSource,
  options: Partial<EncryptStreamOptions> = {},
): Promise<EncryptResult> {
  const source = from instanceof Uint8Array ? sourceFromBytes(from) : from
  return encryptStream(source, {
    compute: createInlineCompute(),
    signal: never,
    onChunk: store.onChunk,
    allowUntestedSize: true,
    limits,
    ...options,
  })
}

export async function collect(parts: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const all: Uint8Array[] = []
  for await (const part of parts) all.push(part)
  return Buffer.concat(all)
}

export function addressesOf(map: DataMap): ChunkAddress[] {
  return map.entries.map(({ address }) => address)
}

/** Tells how often it was read. */
export class CountedSource implements ByteSource {
  readonly #bytes: Bytes
  reads = 0

  constructor(bytes: Bytes) {
    this.#bytes = bytes
  }
  get size(): number {
    return this.#bytes.length
  }
  async read(offset: number, length: number): Promise<Bytes> {
    this.reads++
    return this.#bytes.slice(offset, offset + length)
  }
}

/** Everything that can go on without time passing has gone on. */
export function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

/** Promises that are resolved one by one from outside. */
export class Gates {
  readonly #waiting: (() => void)[] = []
  #open = false
  wait(): Promise<void> {
    return this.#open ? Promise.resolve() : new Promise((resolve) => this.#waiting.push(resolve))
  }
  openAll(): void {
    this.#open = true
    for (const resolve of this.#waiting.splice(0)) resolve()
  }
}
