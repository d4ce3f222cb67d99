/** Files and directories from the network. Whatever is written was verified chunk by chunk. */
import { type Clock, codeOf, concat, messageOf } from '../base/index.ts'
import { type Compute, reclaim } from '../compute/index.ts'
import { type ChunkAddress, parseChunkAddress } from '../protocol/index.ts'
import {
  type DataMap,
  dataMapSize,
  decryptStream,
  parseDataMapFile,
  readRange,
  resolveRootMap,
} from '../self-encryption/index.ts'
import type { Chunks } from './chunks.ts'
import { ClientError, clientError } from './errors.ts'
import type { LocalFiles, TreeWriter } from './local-port.ts'
import {
  contentBytes,
  decodeManifest,
  looksLikeManifest,
  MANIFEST_MAGIC,
  MAX_MANIFEST_BYTES,
  type Manifest,
  type ManifestEntry,
} from './manifest.ts'
import { ByteBudget, JobPool } from './pipeline.ts'
import { type OnProgress, Tally } from './progress.ts'
import { once, peek } from './streams.ts'

export interface DownloadDeps {
  readonly chunks: Pick<Chunks, 'get'>
  readonly compute: Compute
  readonly files: LocalFiles
  readonly clock: Clock
}

export interface DownloadOptions {
  readonly fetchConcurrency: number
  readonly fetchBudgetBytes: number
  readonly fetchRetryDelaysMs: readonly number[]
  readonly filesBudgetBytes: number
  readonly filesConcurrency: number
}

/** A public address (64 hex digits), or the bytes of a `.datamap` file. */
export type Reference = string | Uint8Array

export interface ReadCall {
  readonly signal: AbortSignal
  readonly onProgress?: OnProgress
}

export interface DownloadCall extends ReadCall {
  /** Replace an existing file; merge into an existing folder, replacing its files. */
  readonly overwrite?: boolean
  /** `auto`: a directory when the content begins like a manifest. `file`: the bytes as they are. */
  readonly as?: 'auto' | 'file' | 'directory'
}

export interface DownloadResult {
  readonly kind: 'file' | 'directory'
  readonly path: string
  /** Bytes of content; of all files for a directory. */
  readonly size: number
  /** Chunks read. */
  readonly chunks: number
  readonly files: number
  readonly elapsedMs: number
}

/** An opened file: its root map is known, its content not yet read. */
export interface OpenedFile {
  readonly size: number
  readonly rootMap: DataMap
}

export class Downloads {
  readonly #deps: DownloadDeps
  readonly #options: DownloadOptions

  constructor(deps: DownloadDeps, options: DownloadOptions) {
    this.#deps = deps
    this.#options = options
  }

  /** Resolves the root map. Throws CLIENT_BAD_DATA_MAP, CLIENT_NOT_FOUND and what reading a chunk throws. */
  async open(reference: Reference, call: ReadCall): Promise<OpenedFile> {
    call.onProgress?.({ phase: 'resolving', done: 0, total: undefined, bytes: 0, totalBytes: undefined })
    const dataMap = await this.#dataMapOf(reference, call.signal)
    return this.#openMap(dataMap, call.signal)
  }

  /** The content in order, one chunk at a time. */
  stream(file: OpenedFile, call: ReadCall): AsyncGenerator<Uint8Array> {
    const tally = new Tally(call.onProgress)
    tally.expect(file.rootMap.entries.length, file.size)
    return this.#stream(file, tally, call.signal)
  }

  /** Bytes `start` to `start + length`, cut to the file; only chunks that overlap are fetched. */
  async range(file: OpenedFile, start: number, length: number, call: ReadCall): Promise<Uint8Array> {
    try {
      return await readRange(file.rootMap, start, length, this.#reading(call.signal))
    } catch (error) {
      throw translated(error)
    }
  }

  /** To a file or a folder at `path`, all or nothing. */
  async to(reference: Reference, path: string, call: DownloadCall): Promise<DownloadResult> {
    const started = this.#deps.clock.monotonic()
    const { signal, overwrite = false, as = 'auto' } = call
    await this.#deps.files.refuseExisting(path, { overwrite })
    const tally = new Tally(call.onProgress)
    const file = await this.open(reference, call)
    tally.expect(file.rootMap.entries.length, file.size)
    const stream = this.#stream(file, tally, signal)
    try {
      const { head, content } = await peek(stream, as === 'file' ? 0 : MANIFEST_MAGIC.length)
      const isDirectory = as !== 'file' && looksLikeManifest(head)
      if (as === 'directory' && !isDirectory) {
        throw clientError('CLIENT_BAD_MANIFEST', 'this is a file, not a directory: download it as a file')
      }
      const done = isDirectory
        ? await this.#restore(await readManifest(content, file.size), path, tally, { signal, overwrite })
        : await this.#save(content, path, file.size, { signal, overwrite })
      const elapsedMs = this.#deps.clock.monotonic() - started
      return { kind: isDirectory ? 'directory' : 'file', path, ...done, chunks: tally.done, elapsedMs }
    } finally {
      await stream.return(undefined)
    }
  }

  async #save(
    content: AsyncGenerator<Uint8Array>,
    path: string,
    size: number,
    options: { signal: AbortSignal; overwrite: boolean },
  ): Promise<{ size: number; files: number }> {
    await this.#deps.files.writeFile(path, givingBack(content), { ...options, bytes: size })
    return { size, files: 1 }
  }

  async #restore(
    manifest: Manifest,
    path: string,
    tally: Tally,
    options: { signal: AbortSignal; overwrite: boolean },
  ): Promise<{ size: number; files: number }> {
    const size = manifest.entries.reduce((sum, entry) => sum + contentBytes(entry), 0)
    const writer = await this.#deps.files.createTree(path, { ...options, bytes: size, mode: manifest.mode })
    try {
      for (const entry of manifest.entries)
        if (entry.kind === 'directory') await writer.directory(entry.path, entry.mode)
      await this.#restoreFiles(manifest.entries, writer, tally, options.signal)
      // Links last: nothing is ever written through one.
      for (const entry of manifest.entries) if (entry.kind === 'symlink') await writer.symlink(entry.path, entry.target)
      options.signal.throwIfAborted()
      await writer.commit()
    } finally {
      await writer.abort()
    }
    const isFile = ({ kind }: ManifestEntry) => kind === 'file' || kind === 'inline'
    return { size, files: manifest.entries.filter(isFile).length }
  }

  async #restoreFiles(
    entries: readonly ManifestEntry[],
    writer: TreeWriter,
    tally: Tally,
    signal: AbortSignal,
  ): Promise<void> {
    const budget = new ByteBudget(this.#options.filesBudgetBytes)
    const pool = new JobPool(this.#options.filesConcurrency)
    try {
      for (const entry of entries) {
        if (entry.kind === 'inline') await writer.file(entry.path, entry.mode, once(entry.content))
        if (entry.kind !== 'file') continue
        const release = await budget.acquire(2 * entry.size, signal)
        await pool.submit(() => this.#restoreFile(entry, writer, tally, signal).finally(release))
      }
      await pool.drain()
    } finally {
      await pool.settle()
    }
  }

  async #restoreFile(
    entry: ManifestEntry & { readonly kind: 'file' },
    writer: TreeWriter,
    tally: Tally,
    signal: AbortSignal,
  ): Promise<void> {
    try {
      const file = await this.#openMap(parseMap(entry.dataMap), signal)
      if (file.size !== entry.size) {
        const message = `its data map describes ${file.size} bytes, the manifest ${entry.size}`
        throw clientError('CLIENT_BAD_MANIFEST', message)
      }
      tally.expect(file.rootMap.entries.length, file.size)
      await writer.file(entry.path, entry.mode, givingBack(this.#stream(file, tally, signal)))
    } catch (error) {
      if (!(error instanceof ClientError)) throw error
      throw new ClientError(error.code, `${entry.path}: ${error.message}`, { data: error.data, cause: error })
    }
  }

  async #dataMapOf(reference: Reference, signal: AbortSignal): Promise<DataMap> {
    if (typeof reference !== 'string') return parseMap(reference)
    const address = parseChunkAddress(reference)
    const bytes = await this.#deps.chunks.get(address, { signal })
    try {
      return parseMap(bytes)
    } catch (error) {
      const message = `the chunk at ${address} is no data map: nothing was made public under this address (a single chunk is read with "chunk get")`
      throw clientError('CLIENT_BAD_DATA_MAP', message, { address }, error)
    }
  }

  async #openMap(dataMap: DataMap, signal: AbortSignal): Promise<OpenedFile> {
    try {
      const rootMap = await resolveRootMap(dataMap, this.#reading(signal))
      return { rootMap, size: dataMapSize(rootMap) }
    } catch (error) {
      throw translated(error)
    }
  }

  async *#stream({ rootMap }: OpenedFile, tally: Tally, signal: AbortSignal): AsyncGenerator<Uint8Array> {
    try {
      for await (const part of decryptStream(rootMap, this.#reading(signal))) {
        tally.advance(1, part.length)
        yield part
      }
    } catch (error) {
      throw translated(error)
    }
  }

  #reading(signal: AbortSignal) {
    const { compute } = this.#deps
    const { fetchConcurrency, fetchBudgetBytes } = this.#options
    const fetchChunk = (address: ChunkAddress, scope: AbortSignal, sizeBytes: number) =>
      this.#fetch(address, sizeBytes, scope)
    return { compute, signal, fetchChunk, batch: fetchConcurrency, aheadBytes: fetchBudgetBytes }
  }

  /** A chunk of a file should be there: when it cannot be read, the network may be changing, so it is tried again. */
  async #fetch(address: ChunkAddress, sizeBytes: number, signal: AbortSignal): Promise<Uint8Array> {
    const { fetchRetryDelaysMs } = this.#options
    for (let attempt = 0; ; attempt++) {
      try {
        return await this.#deps.chunks.get(address, { signal, sizeBytes })
      } catch (error) {
        signal.throwIfAborted()
        const pause = fetchRetryDelaysMs[attempt]
        if (pause === undefined || !(error instanceof ClientError)) throw error
        await this.#deps.clock.sleep(pause, signal)
      }
    }
  }
}

/** For readers that keep nothing: the memory of each part is free when the next one is asked for. */
async function* givingBack(content: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  for await (const part of content) {
    yield part
    reclaim(part)
  }
}

function parseMap(bytes: Uint8Array): DataMap {
  try {
    return parseDataMapFile(bytes)
  } catch (error) {
    throw clientError('CLIENT_BAD_DATA_MAP', `this is no usable data map: ${messageOf(error)}`, {}, error)
  }
}

/** Reading a chunk failed: what the chunk walk said. Anything else of self-encryption: the map does not fit. */
function translated(error: unknown): unknown {
  const code = codeOf(error) ?? ''
  if (!code.startsWith('SELF_ENCRYPTION_')) return error
  const { cause } = error as Error
  if (code === 'SELF_ENCRYPTION_MISSING_CHUNK' && cause instanceof ClientError) {
    const message = `a chunk of the file cannot be read: ${cause.message}`
    return new ClientError(cause.code, message, { data: cause.data, cause })
  }
  if (code === 'SELF_ENCRYPTION_MISSING_CHUNK' && cause !== undefined) return cause
  const message = `the data map does not fit its chunks: ${messageOf(error)}`
  return clientError('CLIENT_BAD_DATA_MAP', message, {}, error)
}

async function readManifest(content: AsyncGenerator<Uint8Array>, size: number): Promise<Manifest> {
  if (size > MAX_MANIFEST_BYTES) {
    throw clientError(
      'CLIENT_BAD_MANIFEST',
      `the manifest of the directory has ${size} bytes, the limit is ${MAX_MANIFEST_BYTES}`,
    )
  }
  const parts: Uint8Array[] = []
  for await (const part of content) parts.push(part)
  try {
    return decodeManifest(concat(parts))
  } catch (error) {
    if (!(error instanceof ClientError) || error.code !== 'CLIENT_BAD_MANIFEST') throw error
    const message = `${error.message}; content that only looks like a directory can be downloaded as a file`
    throw new ClientError(error.code, message, { data: error.data, cause: error })
  }
}
