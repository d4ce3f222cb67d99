/** Files and directories onto the network. A public upload stores its data map as one more chunk. */
import { type Bytes, type Clock, codeOf, messageOf, withScope } from '../base/index.ts'
import type { Compute } from '../compute/index.ts'
import type { ChunkAddress } from '../protocol/index.ts'
import {
  type ByteSource,
  dataMapAddress,
  type EncryptResult,
  encodeDataMap,
  encryptStream,
  MAX_PLAIN_CHUNK_BYTES,
  MIN_PLAIN_BYTES,
  sourceFromBytes,
} from '../self-encryption/index.ts'
import type { Chunks } from './chunks.ts'
import { clientError } from './errors.ts'
import type { LocalFiles, Skipped, SourceFile, Tree, TreeEntry } from './local-port.ts'
import { contentBytes, encodeManifest, type ManifestEntry } from './manifest.ts'
import { ByteBudget, JobPool } from './pipeline.ts'
import type { OnProgress } from './progress.ts'
import { UploadSession, type UploadSessionOptions } from './upload-session.ts'

export interface UploadDeps {
  readonly chunks: Pick<Chunks, 'put'>
  readonly compute: Compute
  readonly files: LocalFiles
  readonly clock: Clock
}

export interface UploadOptions extends UploadSessionOptions {
  readonly filesBudgetBytes: number
  readonly filesConcurrency: number
  readonly sealConcurrency: number
}

export interface UploadCall {
  readonly signal: AbortSignal
  /** Store the data map too: whoever has the address can read the content. */
  readonly public?: boolean
  readonly onProgress?: OnProgress
}

export interface UploadResult {
  readonly kind: 'file' | 'directory'
  /** Where the data map is stored; public uploads only. */
  readonly address?: ChunkAddress
  /** MessagePack bytes of the final data map: the only key to a private upload. */
  readonly dataMap: Bytes
  /** Distinct chunks stored for it, those of maps, manifest and the public map too. */
  readonly chunks: number
  /** Those of them that the network did not have. */
  readonly chunksStored: number
  /** Of all its chunks, sorted. */
  readonly addresses: readonly ChunkAddress[]
  /** Bytes of content; of all files for a directory. */
  readonly size: number
  readonly elapsedMs: number
  /** BLAKE3 of the content; files only. */
  readonly contentHash?: Bytes
  /** Regular files in the directory. */
  readonly files?: number
  /** Left out of the directory. */
  readonly skipped?: readonly Skipped[]
}

/** A path or bytes from anywhere. Throws CLIENT_TOO_SMALL, CLIENT_SOURCE, CLIENT_SOURCE_CHANGED, CLIENT_PARTIAL_UPLOAD. */
export async function uploadFile(
  deps: UploadDeps,
  options: UploadOptions,
  input: string | ByteSource,
  call: UploadCall,
): Promise<UploadResult> {
  const started = deps.clock.monotonic()
  return withSession(deps, options, call, async (session, signal) => {
    const source = typeof input === 'string' ? await deps.files.openFile(input) : plainSource(input)
    try {
      const what = typeof input === 'string' ? input : 'the content'
      refuseTooSmall(source.size, what)
      announce(session, source.size)
      if (call.public) session.expect(1, 0)
      const file = await encryptInto(deps, options, session, source, what, signal)
      const dataMap = encodeDataMap(file.dataMap)
      const published = call.public ? await publish(session, file, dataMap) : {}
      const counts = await session.finish()
      return {
        kind: 'file',
        ...published,
        dataMap,
        ...counts,
        size: source.size,
        contentHash: file.contentHash,
        elapsedMs: deps.clock.monotonic() - started,
      }
    } finally {
      await source.close()
    }
  })
}

/** Everything below a folder, then its manifest as a file; the manifest's data map is the directory's. */
export async function uploadDirectory(
  deps: UploadDeps,
  options: UploadOptions,
  path: string,
  call: UploadCall,
): Promise<UploadResult> {
  const started = deps.clock.monotonic()
  return withSession(deps, options, call, async (session, signal) => {
    const onEntry = (done: number) =>
      call.onProgress?.({ phase: 'scanning', done, total: undefined, bytes: 0, totalBytes: undefined })
    const tree = await deps.files.scan(path, { signal, onEntry })
    const files = tree.entries.filter((entry) => entry.kind === 'file')
    for (const { size } of files) if (size >= MIN_PLAIN_BYTES) announce(session, size)
    session.expect(MANIFEST_CHUNKS + (call.public ? 1 : 0), 0)
    const stored = await storeFiles(deps, options, session, path, files, signal)
    const manifest = encodeManifest({ mode: tree.mode, entries: manifestEntries(tree, stored) })
    const plain = plainSource(sourceFromBytes(manifest))
    const file = await encryptInto(deps, options, session, plain, 'the manifest', signal)
    session.expect(file.addresses.length - MANIFEST_CHUNKS, 0)
    const dataMap = encodeDataMap(file.dataMap)
    const published = call.public ? await publish(session, file, dataMap) : {}
    const counts = await session.finish()
    return {
      kind: 'directory',
      ...published,
      dataMap,
      ...counts,
      size: [...stored.values()].reduce((sum, entry) => sum + contentBytes(entry), 0),
      files: files.length,
      skipped: tree.skipped,
      elapsedMs: deps.clock.monotonic() - started,
    }
  })
}

/** Chunks of a manifest below 12 MiB, as announced to the progress; corrected when it is known. */
const MANIFEST_CHUNKS = 3

async function withSession<T>(
  deps: UploadDeps,
  options: UploadOptions,
  { signal, onProgress }: UploadCall,
  work: (session: UploadSession, signal: AbortSignal) => Promise<T>,
): Promise<T> {
  return withScope(signal, async (scope) => {
    const session = new UploadSession(deps.chunks, options, scope.signal, onProgress)
    try {
      return await work(session, scope.signal)
    } catch (error) {
      scope.abort(error)
      await session.settle()
      throw error
    }
  })
}

/** Files side by side: small ones many at a time, a large one alone. By path. */
async function storeFiles(
  deps: UploadDeps,
  options: UploadOptions,
  session: UploadSession,
  root: string,
  files: readonly (TreeEntry & { readonly kind: 'file' })[],
  signal: AbortSignal,
): Promise<ReadonlyMap<string, ManifestEntry>> {
  const stored = new Map<string, ManifestEntry>()
  const budget = new ByteBudget(options.filesBudgetBytes)
  const pool = new JobPool(options.filesConcurrency)
  try {
    for (const entry of files) {
      const release = await budget.acquire(2 * entry.size, signal)
      await pool.submit(async () => {
        try {
          stored.set(entry.path, await storeEntry(deps, options, session, root, entry, signal))
        } finally {
          release()
        }
      })
    }
    await pool.drain()
    return stored
  } finally {
    await pool.settle()
  }
}

async function storeEntry(
  deps: UploadDeps,
  options: UploadOptions,
  session: UploadSession,
  root: string,
  { path, mode, size }: TreeEntry & { readonly kind: 'file' },
  signal: AbortSignal,
): Promise<ManifestEntry> {
  const name = `${root}/${path}`
  const source = await deps.files.openFile(name)
  try {
    if (source.size !== size) throw clientError('CLIENT_SOURCE_CHANGED', `${name} changed while it was uploaded`)
    if (source.size >= MIN_PLAIN_BYTES) {
      const file = await encryptInto(deps, options, session, source, name, signal)
      return { path, mode, kind: 'file', size, dataMap: encodeDataMap(file.dataMap) }
    }
    const content = source.size === 0 ? new Uint8Array() : await source.read(0, source.size, signal)
    await source.verifyUnchanged()
    return { path, mode, kind: 'inline', content }
  } finally {
    await source.close()
  }
}

async function encryptInto(
  deps: UploadDeps,
  { sealConcurrency }: UploadOptions,
  session: UploadSession,
  source: SourceFile,
  what: string,
  signal: AbortSignal,
): Promise<EncryptResult> {
  const plan = planOf(source.size)
  try {
    const result = await encryptStream(source, {
      compute: deps.compute,
      signal,
      concurrency: sealConcurrency,
      onChunk: ({ address, content, index, level }) =>
        session.add(address, content, level > 0 ? 0 : index === plan.count - 1 ? plan.last : plan.step),
    })
    await source.verifyUnchanged()
    if (what !== 'the manifest') session.expect(result.addresses.length - plan.chunks, 0)
    return result
  } catch (error) {
    if (/^SELF_ENCRYPTION_SOURCE_(SHORT|LONG)$/.test(codeOf(error) ?? '')) {
      throw clientError(
        'CLIENT_SOURCE_CHANGED',
        `${what} changed while it was uploaded: ${messageOf(error)}`,
        {},
        error,
      )
    }
    throw error
  }
}

async function publish(
  session: UploadSession,
  { dataMap }: EncryptResult,
  bytes: Bytes,
): Promise<{ address: ChunkAddress }> {
  const address = dataMapAddress(dataMap)
  await session.add(address, bytes.slice(), 0)
  return { address }
}

function manifestEntries(tree: Tree, stored: ReadonlyMap<string, ManifestEntry>): ManifestEntry[] {
  return tree.entries.map((entry) => (entry.kind === 'file' ? (stored.get(entry.path) as ManifestEntry) : entry))
}

function announce(session: UploadSession, size: number): void {
  session.expect(planOf(size).chunks, size)
}

/** How many chunks a file will have, those of its shrunk map too, and the plain bytes of each (self-encryption.md 3). */
function planOf(size: number): { count: number; step: number; last: number; chunks: number } {
  const small = size < 3 * MAX_PLAIN_CHUNK_BYTES
  const count = small ? 3 : Math.ceil(size / MAX_PLAIN_CHUNK_BYTES)
  const step = small ? Math.floor(size / 3) : MAX_PLAIN_CHUNK_BYTES
  return { count, step, last: size - (count - 1) * step, chunks: count > 3 ? count + 3 : count }
}

function refuseTooSmall(size: number, what: string): void {
  if (size >= MIN_PLAIN_BYTES) return
  const message = `${what} has ${size} ${size === 1 ? 'byte' : 'bytes'} and is too small to self-encrypt: at least ${MIN_PLAIN_BYTES} are needed (inside a directory it can be uploaded)`
  throw clientError('CLIENT_TOO_SMALL', message, { size, least: MIN_PLAIN_BYTES })
}

function plainSource(source: ByteSource): SourceFile {
  return {
    size: source.size,
    read: (offset, length, signal) => source.read(offset, length, signal),
    verifyUnchanged: async () => undefined,
    close: async () => undefined,
  }
}
