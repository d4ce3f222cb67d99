/**
 * Opening a chunk folder (decides over FileSystem): layout file, then names only, which are flushed; no chunk is read.
 * The file system is the only authority, so the index is built anew at every start (storage.md 3).
 */
import { join } from 'node:path'
import type { Logger } from '../base/index.ts'
import type { ChunkAddress } from '../protocol/index.ts'
import { StorageError } from './errors.ts'
import type { DirectoryEntry, FileSystem } from './file-system.ts'
import { encodeLayout, LAYOUT_FILE, LAYOUT_MAX_BYTES, layoutFault, nameKind, shardOf } from './layout.ts'
import { writeDurably } from './write-durably.ts'

/** As many as Node has threads for them. */
const FLUSHES_AT_ONCE = 4

interface Folder {
  readonly fileSystem: FileSystem
  readonly log: Logger
  readonly path: string
  nextTempName(): string
}

/** Throws STORAGE_LAYOUT when the layout file is there and not exactly ours. */
export async function checkLayout(folder: Folder): Promise<void> {
  const { fileSystem, path } = folder
  const file = join(path, LAYOUT_FILE)
  const refuse = (why: string, cause?: unknown) =>
    new StorageError('STORAGE_LAYOUT', `the chunk folder ${path} is not opened: ${LAYOUT_FILE}: ${why}`, { cause })
  const found = await fileSystem.read(file, LAYOUT_MAX_BYTES).catch((error) => {
    throw refuse('it cannot be read', error)
  })
  if (found.kind === 'refused') throw refuse(`it is ${found.reason}`)
  if (found.kind === 'missing') {
    const names = { temp: folder.nextTempName(), name: LAYOUT_FILE }
    const written = await writeDurably(fileSystem, path, names, encodeLayout())
    if (written.kind === 'unflushed') throw refuse('it could not be flushed', written.cause)
    return
  }
  const fault = layoutFault(found.bytes)
  if (fault !== undefined) throw refuse(fault)
}

/** Addresses by name, and the shard directories that are there. */
export async function scanFolder(
  folder: Folder,
  signal: AbortSignal,
): Promise<{ addresses: ChunkAddress[]; shards: string[] }> {
  const addresses: ChunkAddress[] = []
  const shards: string[] = []
  for (const entry of await listOrRefuse(folder, folder.path)) {
    signal.throwIfAborted()
    const kind = nameKind(entry.name)
    if (kind === 'temp' && entry.kind === 'file') await removeLeftover(folder, join(folder.path, entry.name))
    if (kind !== 'shard' || entry.kind !== 'directory') continue
    shards.push(entry.name)
    for (const address of await scanShard(folder, entry.name)) addresses.push(address)
  }
  return { addresses, shards }
}

/**
 * An earlier process may have been killed between the making of a name and its flush: we see the name, and it may still
 * go with the power. Flushes all directories; a clean one costs next to nothing. The shards whose names are durable now,
 * and the first error of the others. Throws the signal's reason.
 */
export async function flushNames(
  { fileSystem, path }: Folder,
  shards: readonly string[],
  signal: AbortSignal,
): Promise<{ flushed: Set<string>; failure?: unknown }> {
  const flushed = new Set<string>()
  let failure: unknown
  // Their own names first: what a shard holds is no more durable than the shard.
  try {
    await fileSystem.syncDirectory(path)
  } catch (error) {
    return { flushed, failure: error }
  }
  const waiting = [...shards]
  const flushOneByOne = async () => {
    for (let shard = waiting.pop(); shard !== undefined && !signal.aborted; shard = waiting.pop()) {
      try {
        await fileSystem.syncDirectory(join(path, shard))
        flushed.add(shard)
      } catch (error) {
        failure ??= error
      }
    }
  }
  await Promise.all(Array.from({ length: FLUSHES_AT_ONCE }, flushOneByOne))
  signal.throwIfAborted()
  return { flushed, failure }
}

async function scanShard(folder: Folder, shard: string): Promise<ChunkAddress[]> {
  const path = join(folder.path, shard)
  const addresses: ChunkAddress[] = []
  for (const { name, kind } of await listOrRefuse(folder, path)) {
    const file = join(path, name)
    switch (nameKind(name)) {
      case 'temp':
        if (kind === 'file') await removeLeftover(folder, file)
        break
      case 'upperCase':
        await setAside(folder, file)
        break
      case 'chunk':
        if (kind === 'file' && shardOf(name as ChunkAddress) === shard) addresses.push(name as ChunkAddress)
        else folder.log.warn('an entry with a chunk name is skipped: wrong shard or no file', { file })
        break
    }
  }
  return addresses
}

async function setAside({ fileSystem, log }: Folder, file: string): Promise<void> {
  try {
    await fileSystem.rename(file, `${file}.not-a-chunk`)
    log.warn('a chunk name in upper case is set aside', { file })
  } catch (error) {
    log.warn('a chunk name in upper case is skipped: it cannot be set aside', { file, error })
  }
}

/** It wastes room and nothing else. */
async function removeLeftover({ fileSystem, log }: Folder, file: string): Promise<void> {
  await fileSystem.unlink(file).catch((error) => log.warn('a temp file cannot be removed', { file, error }))
}

async function listOrRefuse(folder: Folder, path: string): Promise<readonly DirectoryEntry[]> {
  try {
    return await folder.fileSystem.list(path)
  } catch (cause) {
    throw new StorageError('STORAGE_IO', `the chunk folder is not opened: ${path} cannot be read`, { cause })
  }
}
