/**
 * The file system as the store sees it: a narrow port, so that a crash can be recorded and replayed step by step, and
 * its driver over node:fs (touches: files, directories, free space, one lock). Errors are the system's own (`code`
 * ENOENT, ENOSPC, ...), given to the caller unchanged.
 */
import { constants } from 'node:fs'
import { type FileHandle, lstat, mkdir, open, readdir, rename, statfs, unlink } from 'node:fs/promises'
import { codeOf } from '../base/index.ts'
import { type FileLock, lockFile } from './file-lock.ts'

export interface DirectoryEntry {
  readonly name: string
  /** As the directory says, without opening anything: `other` is a link, device, pipe or socket. */
  readonly kind: 'file' | 'directory' | 'other'
}

export type ReadOutcome =
  | { readonly kind: 'found'; readonly bytes: Uint8Array }
  | { readonly kind: 'missing' }
  /** Not a regular file, or longer than allowed: never read. */
  | { readonly kind: 'refused'; readonly reason: string }

/** A file being written. Bytes are durable after `sync`; its name after `syncDirectory` of its folder. */
export interface NewFile {
  write(bytes: Uint8Array): Promise<void>
  sync(): Promise<void>
  close(): Promise<void>
}

export interface FileSystem {
  /** Part of temp names, so that two processes never collide. */
  readonly processId: number
  /** Creates the directory and its parents; false when it was there. */
  makeDirectory(path: string): Promise<boolean>
  /** Makes renames, creations and removals in the directory durable. */
  syncDirectory(path: string): Promise<void>
  list(path: string): Promise<readonly DirectoryEntry[]>
  /** Reads a regular file of at most `maxBytes` without following links. Fresh bytes. */
  read(path: string, maxBytes: number): Promise<ReadOutcome>
  /** Creates the file, mode 0644 unless told; EEXIST when the name is taken. */
  create(path: string, mode?: number): Promise<NewFile>
  /** Atomic; replaces `to`. */
  rename(from: string, to: string): Promise<void>
  /** false when it was not there. */
  unlink(path: string): Promise<boolean>
  /** Bytes an ordinary process may still write below `path`. */
  freeBytes(path: string): Promise<number>
  /** Takes the exclusive lock of the file, creating it; held until released or until the process ends in any way. */
  lock(path: string): Promise<FileLock>
}

class NodeNewFile implements NewFile {
  readonly #handle: FileHandle

  constructor(handle: FileHandle) {
    this.#handle = handle
  }

  async write(bytes: Uint8Array): Promise<void> {
    for (let offset = 0; offset < bytes.length; ) {
      offset += (await this.#handle.write(bytes, offset, bytes.length - offset)).bytesWritten
    }
  }
  sync(): Promise<void> {
    return this.#handle.sync()
  }
  close(): Promise<void> {
    return this.#handle.close()
  }
}

/** O_NONBLOCK: a pipe put in a chunk's place must not hang the open. Both flags are absent on Windows. */
const READ_FLAGS = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0)

class NodeFileSystem implements FileSystem {
  readonly processId = process.pid

  async makeDirectory(path: string): Promise<boolean> {
    try {
      // On a disk that is read-only the recursive call says ENOENT (Node 26), this one EROFS.
      await mkdir(path)
      return true
    } catch (error) {
      if (!['ENOENT', 'EEXIST'].includes(codeOf(error) ?? '')) throw error
    }
    return (await mkdir(path, { recursive: true })) !== undefined
  }

  async syncDirectory(path: string): Promise<void> {
    // Windows has no handle of a directory that could be flushed; NTFS journals names by itself.
    if (process.platform === 'win32') return
    const handle = await open(path, constants.O_RDONLY)
    try {
      await handle.sync()
    } finally {
      await handle.close()
    }
  }

  async list(path: string): Promise<readonly DirectoryEntry[]> {
    const entries = await readdir(path, { withFileTypes: true })
    return entries.map((entry) => ({
      name: entry.name,
      kind: entry.isFile() ? 'file' : entry.isDirectory() ? 'directory' : 'other',
    }))
  }

  async read(path: string, maxBytes: number): Promise<ReadOutcome> {
    let handle: FileHandle
    try {
      handle = await open(path, READ_FLAGS)
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return { kind: 'missing' }
      if (codeOf(error) === 'ELOOP') return { kind: 'refused', reason: 'a symbolic link' }
      throw error
    }
    try {
      const { size } = await regular(handle)
      if (size === undefined) return { kind: 'refused', reason: 'no regular file' }
      if (size > maxBytes) return { kind: 'refused', reason: `${size} bytes long` }
      return { kind: 'found', bytes: await readExactly(handle, size) }
    } finally {
      await handle.close()
    }
  }

  async create(path: string, mode = 0o644): Promise<NewFile> {
    return new NodeNewFile(await open(path, 'wx', mode))
  }

  rename(from: string, to: string): Promise<void> {
    return rename(from, to)
  }

  async unlink(path: string): Promise<boolean> {
    try {
      await unlink(path)
      return true
    } catch (error) {
      if (codeOf(error) !== 'ENOENT') throw error
      return false
    }
  }

  async freeBytes(path: string): Promise<number> {
    const { bavail, bsize } = await statfs(path)
    return bavail * bsize
  }

  async lock(path: string): Promise<FileLock> {
    const found = await lstat(path).catch(() => undefined)
    if (found && !found.isFile()) throw new Error(`${path} is no regular file`)
    return lockFile(path)
  }
}

async function regular(handle: FileHandle): Promise<{ size: number | undefined }> {
  const stat = await handle.stat()
  return { size: stat.isFile() ? stat.size : undefined }
}

/** A file that shrinks while it is read gives the shorter bytes; their hash then tells. */
async function readExactly(handle: FileHandle, size: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(size)
  let offset = 0
  while (offset < size) {
    const { bytesRead } = await handle.read(bytes, offset, size - offset, offset)
    if (bytesRead === 0) break
    offset += bytesRead
  }
  return offset === size ? bytes : bytes.subarray(0, offset)
}

export const nodeFileSystem: FileSystem = new NodeFileSystem()
