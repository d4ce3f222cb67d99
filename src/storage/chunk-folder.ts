/** The folder `<root>/chunks`: which file is whose, and the file system calls of one chunk (storage.md 3 and 4). */
import { dirname, join } from 'node:path'
import { codeOf, type Logger, type Random, toHex } from '../base/index.ts'
import { type ChunkAddress, MAX_CHUNK_BYTES } from '../protocol/index.ts'
import { stateOfError } from './disk-state.ts'
import type { FileLock } from './file-lock.ts'
import type { FileSystem } from './file-system.ts'
import { LAYOUT_FILE, LAYOUT_MAX_BYTES, LOCK_FILE, layoutFault, shardOf, tempName } from './layout.ts'
import { checkLayout, flushNames, scanFolder } from './open-folder.ts'
import { type WriteOutcome, writeAndClose, writeDurably } from './write-durably.ts'

const PROBE_BYTES = 4096

export interface ChunkFolderDeps {
  readonly fileSystem: FileSystem
  readonly random: Random
  readonly log: Logger
}

export type ChunkRead =
  | { readonly kind: 'found'; readonly bytes: Uint8Array }
  | { readonly kind: 'missing' }
  | { readonly kind: 'unreadable'; readonly cause: unknown }

/** What lies in a folder, by name. */
export interface OpenedFolder {
  readonly lock: FileLock
  readonly addresses: readonly ChunkAddress[]
  /** Their names could not be flushed, because of `failure`: a power loss may undo them. */
  readonly inDoubt: readonly ChunkAddress[]
  readonly failure?: unknown
}

export class ChunkFolder {
  readonly path: string
  readonly #deps: ChunkFolderDeps
  /** Shard directories whose names are durable. */
  #shards = new Set<string>()
  #nonce = ''
  #sequence = 0

  constructor(root: string, deps: ChunkFolderDeps) {
    this.path = join(root, 'chunks')
    this.#deps = deps
  }

  /**
   * Locks the folder, then reads and flushes its names. Throws StorageError or errors of the file system; the lock is
   * free then. A flush that fails because of the disk keeps no folder closed: it may still be read.
   */
  async open(signal: AbortSignal): Promise<OpenedFolder> {
    const { fileSystem, random, log } = this.#deps
    await this.#make(this.path, join(this.path, '..'))
    await this.#syncAncestors()
    const lock = await fileSystem.lock(join(this.path, LOCK_FILE))
    try {
      this.#nonce = toHex(random.bytes(4))
      const folder = { fileSystem, log, path: this.path, nextTempName: () => this.#nextTempName() }
      await checkLayout(folder)
      const { addresses, shards } = await scanFolder(folder, signal)
      const { flushed, failure } = await flushNames(folder, shards, signal)
      if (failure !== undefined && stateOfError(failure) === undefined) throw failure
      this.#shards = flushed
      const durable = (address: ChunkAddress) => flushed.has(shardOf(address))
      const inDoubt = failure === undefined ? [] : addresses.filter((address) => !durable(address))
      return { lock, addresses: inDoubt.length === 0 ? addresses : addresses.filter(durable), inDoubt, failure }
    } catch (error) {
      await lock.release()
      throw error
    }
  }

  /** Whether the folder is there, with our layout; undefined when that cannot be read. */
  async present(): Promise<boolean | undefined> {
    const { fileSystem } = this.#deps
    try {
      const found = await fileSystem.read(join(this.path, LAYOUT_FILE), LAYOUT_MAX_BYTES)
      return found.kind === 'found' && layoutFault(found.bytes) === undefined
    } catch (error) {
      return codeOf(error) === 'ENOTDIR' || stateOfError(error) === 'gone' ? false : undefined
    }
  }

  /** Writes a block, flushes it and removes it again. */
  async probe(): Promise<void> {
    const { fileSystem } = this.#deps
    const path = join(this.path, this.#nextTempName())
    const file = await fileSystem.create(path)
    try {
      await writeAndClose(file, new Uint8Array(PROBE_BYTES))
    } finally {
      await fileSystem.unlink(path)
    }
  }

  freeBytes(): Promise<number> {
    return this.#deps.fileSystem.freeBytes(this.path)
  }

  /** The bytes as they lie. */
  async read(address: ChunkAddress): Promise<ChunkRead> {
    try {
      const outcome = await this.#deps.fileSystem.read(join(this.#shard(address), address), MAX_CHUNK_BYTES)
      return outcome.kind === 'refused' ? { kind: 'unreadable', cause: new Error(outcome.reason) } : outcome
    } catch (cause) {
      return { kind: 'unreadable', cause }
    }
  }

  async write(address: ChunkAddress, content: Uint8Array): Promise<WriteOutcome> {
    const shard = shardOf(address)
    if (!this.#shards.has(shard)) {
      // Where the disk is not mounted, a folder must not be made in its place.
      if ((await this.present()) === false) throw absent(this.path)
      await this.#make(this.#shard(address), this.path)
      this.#shards.add(shard)
    }
    try {
      const names = { temp: this.#nextTempName(), name: address }
      return await writeDurably(this.#deps.fileSystem, this.#shard(address), names, content)
    } catch (error) {
      // Whoever removed the shard behind our back gets a new one with the next write.
      this.#shards.delete(shard)
      throw error
    }
  }

  /** Makes the names in the shard of the address durable. */
  async syncShardOf(address: ChunkAddress): Promise<void> {
    await this.#deps.fileSystem.syncDirectory(this.#shard(address))
    if (this.#shards.has(shardOf(address))) return
    await this.#deps.fileSystem.syncDirectory(this.path)
    this.#shards.add(shardOf(address))
  }

  /** false when there was no such file. */
  async remove(address: ChunkAddress): Promise<boolean> {
    const removed = await this.#deps.fileSystem.unlink(join(this.#shard(address), address))
    // Best effort: a name that comes back after a power loss is harmless, its bytes are verified.
    await this.syncShardOf(address).catch(() => undefined)
    return removed
  }

  /** Flushes the name also when the directory was there: an earlier run may have died between the two. */
  async #make(path: string, parent: string): Promise<void> {
    await this.#deps.fileSystem.makeDirectory(path)
    await this.#deps.fileSystem.syncDirectory(parent)
  }

  /**
   * A root folder that was just made is in no directory that survives a power loss, and all in it would go with it.
   * Best effort: folders above it may belong to others.
   */
  async #syncAncestors(): Promise<void> {
    for (let path = join(this.path, '..'); dirname(path) !== path; path = dirname(path)) {
      await this.#deps.fileSystem.syncDirectory(dirname(path)).catch(() => undefined)
    }
  }

  #shard(address: ChunkAddress): string {
    return join(this.path, shardOf(address))
  }
  #nextTempName(): string {
    return tempName(this.#deps.fileSystem.processId, this.#nonce, this.#sequence++)
  }
}

function absent(path: string): Error {
  return Object.assign(new Error(`the chunk folder ${path} is not there`), { code: 'ENOENT' })
}
