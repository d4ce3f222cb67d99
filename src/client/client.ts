/** The facade of the room: one object for everything that a user of the network does. */
import {
  Aborted,
  type Clock,
  type Logger,
  never,
  type Random,
  Registry,
  resolveOptions,
  type Startable,
  silentLogger,
  withScope,
} from '../base/index.ts'
import type { Compute } from '../compute/index.ts'
import { backend } from '../crypto/index.ts'
import type { Dht } from '../dht/index.ts'
import type { Network } from '../network/index.ts'
import type { Payer } from '../payment/index.ts'
import type { ChunkAddress } from '../protocol/index.ts'
import type { ByteSource } from '../self-encryption/index.ts'
import { ChunkRequests } from './chunk-requests.ts'
import { Chunks } from './chunks.ts'
import { type DownloadCall, type DownloadResult, Downloads, type ReadCall, type Reference } from './download.ts'
import { clientError, outward } from './errors.ts'
import { GroupFinder } from './group-finder.ts'
import type { LocalFiles } from './local-port.ts'
import { clientMetrics } from './metrics.ts'
import { CLIENT_DEFAULTS, type ClientOptions } from './options.ts'
import { PeerHealth } from './peer-health.ts'
import type { PutChunkResult } from './put.ts'
import { type UploadCall, type UploadDeps, type UploadResult, uploadDirectory, uploadFile } from './upload.ts'

export interface ClientDeps {
  /** Started and stopped by the owner; the client takes the chunk topic of it. */
  readonly network: Network
  readonly dht: Pick<Dht, 'lookup' | 'witnessedCloseGroup' | 'tableSize' | 'closestLocal' | 'reportTrust'>
  readonly payer: Payer
  readonly compute: Compute
  readonly files: LocalFiles
  readonly clock: Clock
  readonly random: Random
  /** BLAKE3, 32 bytes; the backend in force by default. */
  readonly hash?: (data: Uint8Array) => Uint8Array
  readonly log?: Logger
  readonly registry?: Registry
}

export interface CallOptions {
  readonly signal?: AbortSignal
}

export interface UploadCallOptions extends CallOptions, Omit<UploadCall, 'signal'> {}
export interface ReadCallOptions extends CallOptions, Omit<ReadCall, 'signal'> {}
export interface DownloadCallOptions extends CallOptions, Omit<DownloadCall, 'signal'> {}

export interface Client extends Startable {
  putChunk(content: Uint8Array, options?: CallOptions): Promise<PutChunkResult>
  getChunk(address: ChunkAddress, options?: CallOptions): Promise<Uint8Array>
  /** A file or a folder, whichever the path is. */
  upload(path: string, options?: UploadCallOptions): Promise<UploadResult>
  /** A path, or bytes of known size from anywhere; fewer than 3 bytes are refused with CLIENT_TOO_SMALL. */
  uploadFile(input: string | ByteSource, options?: UploadCallOptions): Promise<UploadResult>
  /** What cannot be stored safely is left out and listed in `skipped`. */
  uploadDirectory(path: string, options?: UploadCallOptions): Promise<UploadResult>
  /** To a file or a folder, all or nothing: the content decides which, unless `as` says. */
  downloadTo(reference: Reference, path: string, options?: DownloadCallOptions): Promise<DownloadResult>
  /** `downloadTo` for content that is taken as a file, whatever it is. */
  downloadFile(reference: Reference, path: string, options?: DownloadCallOptions): Promise<DownloadResult>
  /** Bytes `start` to `start + length`, cut to the file; only the chunks that overlap are fetched. */
  readRange(reference: Reference, start: number, length: number, options?: ReadCallOptions): Promise<Uint8Array>
}

/** Between `start` and `stop`; `stop` ends every call that runs with CLIENT_STOPPED. */
export function createClient(deps: ClientDeps, options?: Partial<ClientOptions>): Client {
  return new NetworkClient(deps, resolveOptions('client', CLIENT_DEFAULTS, options))
}

class NetworkClient implements Client {
  readonly #requests: ChunkRequests
  readonly #chunks: Chunks
  readonly #uploads: UploadDeps
  readonly #downloads: Downloads
  readonly #options: ClientOptions
  #running: AbortController | undefined
  readonly #calls = new Set<Promise<unknown>>()

  constructor(deps: ClientDeps, options: ClientOptions) {
    const { network, dht, payer, clock, random } = deps
    const hash = deps.hash ?? ((data: Uint8Array) => backend().blake3(data))
    const log = (deps.log ?? silentLogger).child('client')
    const metrics = clientMetrics(deps.registry ?? new Registry())
    this.#requests = new ChunkRequests({ network, clock, random, metrics }, options)
    const groups = new GroupFinder({ dht, self: network.self, clock }, options)
    const health = new PeerHealth(options.suspectMs)
    const walks = { network, dht, payer, hash, clock, random, log, metrics, groups, health, requests: this.#requests }
    this.#chunks = new Chunks(walks, options)
    const transfers = { chunks: this.#chunks, compute: deps.compute, files: deps.files, clock }
    this.#uploads = transfers
    this.#downloads = new Downloads(transfers, options)
    this.#options = options
  }

  async start(): Promise<void> {
    this.#running ??= new AbortController()
    this.#requests.start()
  }

  async stop(): Promise<void> {
    this.#running?.abort(clientError('CLIENT_STOPPED', 'the client was stopped before the call was done'))
    this.#running = undefined
    this.#requests.stop()
    await Promise.allSettled(this.#calls)
  }

  putChunk(content: Uint8Array, options: CallOptions = {}): Promise<PutChunkResult> {
    return this.#call(options, (signal) => this.#chunks.put(content, { signal }))
  }

  getChunk(address: ChunkAddress, options: CallOptions = {}): Promise<Uint8Array> {
    return this.#call(options, (signal) => this.#chunks.get(address, { signal }))
  }

  upload(path: string, options: UploadCallOptions = {}): Promise<UploadResult> {
    return this.#call(options, async (signal) => {
      const kind = await this.#uploads.files.kindOf(path)
      const call = { ...options, signal }
      return kind === 'directory'
        ? uploadDirectory(this.#uploads, this.#options, path, call)
        : uploadFile(this.#uploads, this.#options, path, call)
    })
  }

  uploadFile(input: string | ByteSource, options: UploadCallOptions = {}): Promise<UploadResult> {
    return this.#call(options, (signal) => uploadFile(this.#uploads, this.#options, input, { ...options, signal }))
  }

  uploadDirectory(path: string, options: UploadCallOptions = {}): Promise<UploadResult> {
    return this.#call(options, (signal) => uploadDirectory(this.#uploads, this.#options, path, { ...options, signal }))
  }

  downloadTo(reference: Reference, path: string, options: DownloadCallOptions = {}): Promise<DownloadResult> {
    return this.#call(options, (signal) => this.#downloads.to(reference, path, { ...options, signal }))
  }

  downloadFile(reference: Reference, path: string, options: DownloadCallOptions = {}): Promise<DownloadResult> {
    return this.downloadTo(reference, path, { ...options, as: 'file' })
  }

  readRange(reference: Reference, start: number, length: number, options: ReadCallOptions = {}): Promise<Uint8Array> {
    return this.#call(options, async (signal) => {
      const call = { ...options, signal }
      return this.#downloads.range(await this.#downloads.open(reference, call), start, length, call)
    })
  }

  /** Every call ends when its own signal or the client's does, and `stop` waits for it. */
  async #call<T>({ signal = never }: CallOptions, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const running = this.#running
    if (!running) throw clientError('CLIENT_STOPPED', 'the client has not been started')
    const call = withScope(running.signal, (outer) => {
      const follow = () => outer.abort(signal.reason ?? new Aborted('cancelled'))
      if (signal.aborted) follow()
      signal.addEventListener('abort', follow, { once: true })
      return work(outer.signal)
        .catch((error: unknown) => {
          throw outward(error, outer.signal)
        })
        .finally(() => signal.removeEventListener('abort', follow))
    })
    this.#calls.add(call)
    try {
      return await call
    } finally {
      this.#calls.delete(call)
    }
  }
}
