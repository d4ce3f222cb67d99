/**
 * A file to chunks and a data map, in one pass with bounded memory (self-encryption.md 16). The keys of chunks 0 and 1
 * need the last two source hashes, so their plain bytes are held back until the end. At any time there are in memory:
 * 2 pieces held back, 1 read ahead, 1 in hand, and `concurrency` chunks that are sealed or handed over.
 */
import { createHash } from 'node:crypto'
import { type Bytes, resolveOptions, withScope } from '../base/index.ts'
import { type Compute, reclaim } from '../compute/index.ts'
import { backend, type SealKeys } from '../crypto/index.ts'
import type { ChunkAddress } from '../protocol/index.ts'
import { sealMoving } from './chunk-work.ts'
import { type DataMap, type DataMapEntry, sealKeys } from './data-map.ts'
import type { SelfEncryptionMetrics } from './metrics.ts'
import { type SelfEncryptionLimits, selfEncryptionDefaults } from './options.ts'
import { cut, entriesOf } from './pieces.ts'
import { type ChunkPlan, planChunks } from './plan.ts'
import { type EncryptedChunk, SealPipeline } from './seal-pipeline.ts'
import { refuseUntested, shrink } from './shrink.ts'
import { type ByteSource, readPieces } from './source.ts'

/** Chunks whose neighbours are the last ones. */
const HELD_BACK = 2

export interface EncryptStreamOptions {
  readonly compute: Compute
  readonly signal: AbortSignal
  /**
   * Takes one chunk; calls begin in the order 2..n-1, 0, 1, then the levels of the map, and may overlap. Reading stops
   * while `concurrency` chunks are sealed or not yet taken. A chunk that comes twice is handed over once.
   */
  readonly onChunk: (chunk: EncryptedChunk) => Promise<void>
  /** Two more than the threads by default: one waits for a free thread, one is being taken. */
  readonly concurrency?: number
  /** The memory of a chunk is given back when its `onChunk` has ended: for takers that keep nothing. */
  readonly reclaim?: boolean
  /** SHA-256 of the content too, in the same pass. */
  readonly sha256?: boolean
  /** Write files of 157,132 chunks (658 GB) and more, in a form that other clients have not been tested with. */
  readonly allowUntestedSize?: boolean
  readonly limits?: Partial<SelfEncryptionLimits>
  readonly metrics?: SelfEncryptionMetrics
}

export interface EncryptResult {
  /** The final map: at most three entries. */
  readonly dataMap: DataMap
  /** The map of the file's own chunks. */
  readonly rootMap: DataMap
  /** BLAKE3 of the content, 32 bytes. */
  readonly contentHash: Bytes
  readonly sha256?: Bytes
  readonly size: number
  /** Every chunk that was handed over, those of the map's levels too: sorted, each once. */
  readonly addresses: readonly ChunkAddress[]
}

/** Throws SelfEncryptionError (TOO_SMALL, TOO_LARGE, UNTESTED_SIZE, SOURCE_SHORT, SOURCE_LONG) or what `onChunk` throws. */
export async function encryptStream(source: ByteSource, options: EncryptStreamOptions): Promise<EncryptResult> {
  const limits = resolveOptions('self-encryption', selfEncryptionDefaults, options.limits)
  const plan = planChunks(source.size, limits.maxChunkBytes)
  refuseUntested(plan, limits.maxChunkBytes, options.allowUntestedSize ?? false)
  return withScope(options.signal, async (scope) => {
    scope.signal.throwIfAborted()
    const run = new Encryption(options, limits, scope)
    try {
      return await run.file(source, plan)
    } catch (error) {
      if (!scope.signal.aborted) scope.abort(error)
      throw scope.signal.reason
    } finally {
      await run.pipeline.settle()
    }
  })
}

class Encryption {
  readonly pipeline: SealPipeline
  readonly #options: EncryptStreamOptions
  readonly #maxChunkBytes: number
  readonly #signal: AbortSignal

  constructor(options: EncryptStreamOptions, limits: SelfEncryptionLimits, scope: AbortController) {
    const { compute, onChunk, metrics, concurrency = compute.width + 2 } = options
    const work = { compute, signal: scope.signal, inlineBelowBytes: limits.inlineBelowBytes }
    const seal = (plain: Bytes, keys: SealKeys) => {
      metrics?.sealedBytes.add(plain.length)
      return sealMoving(plain, keys, work)
    }
    const emitAndReclaim = async (chunk: EncryptedChunk) => {
      await onChunk(chunk)
      reclaim(chunk.content)
    }
    const emit = options.reclaim ? emitAndReclaim : onChunk
    this.pipeline = new SealPipeline({ seal, emit }, scope, concurrency)
    this.#options = options
    this.#maxChunkBytes = limits.maxChunkBytes
    this.#signal = scope.signal
  }

  async file(source: ByteSource, plan: ChunkPlan): Promise<EncryptResult> {
    const blake3 = backend().createHasher()
    const sha256 = this.#options.sha256 ? createHash('sha256') : undefined
    const entries = await this.#fileLevel(source, plan, (piece) => {
      blake3.update(piece)
      sha256?.update(piece)
    })
    const rootMap: DataMap = { entries, child: null }
    const dataMap = await shrink(rootMap, (bytes, level) => this.#mapLevel(bytes, level))
    const contentHash = blake3.digest()
    const [size, addresses] = [plan.size, this.pipeline.addresses()]
    const result = { dataMap, rootMap, contentHash, size, addresses }
    return sha256 ? { ...result, sha256: Uint8Array.from(sha256.digest()) } : result
  }

  /** Chunks 2 to n-1 as they are read, then 0 and 1. */
  async #fileLevel(source: ByteSource, plan: ChunkPlan, onPiece: (piece: Bytes) => void): Promise<DataMapEntry[]> {
    const sources: Bytes[] = []
    const held: Bytes[] = []
    const addresses: ChunkAddress[] = []
    for await (const piece of readPieces(source, plan, this.#signal)) {
      const index = sources.push(backend().blake3(piece)) - 1
      onPiece(piece)
      if (index < HELD_BACK) held.push(piece)
      else await this.pipeline.push(piece, sealKeys(sources, index, 0), addresses)
    }
    for (let index = 0; held.length > 0; index++) {
      await this.pipeline.push(held.shift() as Bytes, sealKeys(sources, index, 0), addresses)
    }
    return this.#entries(plan, sources, addresses)
  }

  /** The bytes of a map are all there: chunks in their order. */
  async #mapLevel(bytes: Bytes, level: number): Promise<DataMapEntry[]> {
    const plan = planChunks(bytes.length, this.#maxChunkBytes)
    const pieces = cut(bytes, plan)
    const sources = pieces.map((piece) => backend().blake3(piece))
    const addresses: ChunkAddress[] = []
    for (const [index, piece] of pieces.entries()) {
      await this.pipeline.push(piece, sealKeys(sources, index, level), addresses)
    }
    return this.#entries(plan, sources, addresses)
  }

  async #entries(
    plan: ChunkPlan,
    sources: readonly Bytes[],
    addresses: readonly ChunkAddress[],
  ): Promise<DataMapEntry[]> {
    await this.pipeline.drain()
    return entriesOf(plan, sources, addresses)
  }
}
