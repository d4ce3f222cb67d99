/**
 * The driver of LocalFiles; this folder is the only part of the room that touches the disk. Files and folders appear
 * under their names whole or not at all: all is written to `.myrmex-<pid>-<random>.tmp` beside the target first.
 */
import type { Stats } from 'node:fs'
import { type FileHandle, link, open, readdir, rename, stat, unlink } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { codeOf, type Random, unfilled } from '../../base/index.ts'
import { clientError } from '../errors.ts'
import type { LocalFiles, SourceFile, Tree, TreeWriter, WriteOptions } from '../local-port.ts'
import { existing, onDisk } from './errors.ts'
import { scanTree } from './scan.ts'
import { ensureSpace, kindAt, syncFolder, temporaryBeside, writeNew } from './steps.ts'
import { createTreeWriter } from './tree.ts'

export function createLocalFiles({ random }: { readonly random: Random }): LocalFiles {
  return new DiskFiles(random)
}

class DiskFiles implements LocalFiles {
  readonly #random: Random

  constructor(random: Random) {
    this.#random = random
  }

  async kindOf(path: string): Promise<'file' | 'directory'> {
    const found = await onDisk('read', path, 'CLIENT_SOURCE', () => stat(path))
    if (found.isDirectory()) return 'directory'
    if (found.isFile()) return 'file'
    throw clientError('CLIENT_SOURCE', `cannot read ${path}: it is neither a file nor a folder`, { path })
  }

  async openFile(path: string): Promise<SourceFile> {
    if ((await this.kindOf(path)) === 'directory') {
      throw clientError('CLIENT_SOURCE', `cannot read ${path} as a file: it is a folder`, { path })
    }
    const handle = await onDisk('read', path, 'CLIENT_SOURCE', () => open(path, 'r'))
    try {
      return new DiskSource(path, handle, await onDisk('read', path, 'CLIENT_SOURCE', () => handle.stat()))
    } catch (error) {
      await handle.close()
      throw error
    }
  }

  scan(path: string, options: { signal: AbortSignal; onEntry?: (count: number) => void }): Promise<Tree> {
    return scanTree(path, options)
  }

  async refuseExisting(path: string, { overwrite, as }: { overwrite: boolean; as?: 'file' }): Promise<void> {
    const target = resolve(path)
    const folder = dirname(target)
    if (!(await onDisk('write to', folder, 'CLIENT_TARGET', () => stat(folder))).isDirectory()) {
      throw clientError('CLIENT_TARGET', `cannot write ${target}: ${folder} is not a folder`, { path: target })
    }
    const kind = await onDisk('write', path, 'CLIENT_TARGET', () => kindAt(path))
    if (as === 'file' && kind === 'directory') {
      throw clientError('CLIENT_EXISTS', `cannot write ${target}: it is a folder, name a file in it`, { path: target })
    }
    if (kind === 'nothing' || overwrite) return
    // An empty folder loses nothing when a folder takes its place.
    if (kind === 'directory' && (await onDisk('read', path, 'CLIENT_TARGET', () => readdir(path))).length === 0) return
    throw existing(path)
  }

  async writeFile(
    path: string,
    content: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
    options: WriteOptions,
  ): Promise<void> {
    const target = resolve(path)
    await ensureSpace(target, options.bytes)
    const temporary = temporaryBeside(target, this.#random)
    try {
      await writeNew(temporary, content, { signal: options.signal, mode: options.mode, shown: target })
      options.signal.throwIfAborted()
      await onDisk('write', target, 'CLIENT_TARGET', () => place(temporary, target, options.overwrite))
    } catch (error) {
      await unlink(temporary).catch(() => undefined)
      throw error
    }
    await onDisk('write', target, 'CLIENT_TARGET', () => syncFolder(dirname(target)))
  }

  createTree(path: string, options: WriteOptions): Promise<TreeWriter> {
    return createTreeWriter(resolve(path), this.#random, options)
  }
}

const NO_LINKS = new Set(['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK', 'EACCES'])

/** The temporary file takes the name of the target; without `overwrite` only when nothing has it at that moment. */
async function place(temporary: string, target: string, overwrite: boolean): Promise<void> {
  if (overwrite) return rename(temporary, target)
  try {
    await link(temporary, target)
    await unlink(temporary)
  } catch (error) {
    if (!NO_LINKS.has(codeOf(error) ?? '')) throw error
    if ((await kindAt(target)) !== 'nothing') throw existing(target)
    await rename(temporary, target)
  }
}

class DiskSource implements SourceFile {
  readonly size: number
  readonly #path: string
  readonly #handle: FileHandle
  readonly #opened: Stats

  constructor(path: string, handle: FileHandle, opened: Stats) {
    this.#path = path
    this.#handle = handle
    this.#opened = opened
    this.size = opened.size
  }

  async read(offset: number, length: number, signal: AbortSignal): Promise<Uint8Array> {
    signal.throwIfAborted()
    const bytes = unfilled(Math.min(length, Math.max(1, this.size - offset)))
    return onDisk('read', this.#path, 'CLIENT_SOURCE', async () => {
      let filled = 0
      while (filled < bytes.length) {
        const { bytesRead } = await this.#handle.read(bytes, filled, bytes.length - filled, offset + filled)
        if (bytesRead === 0) break
        filled += bytesRead
      }
      return filled === bytes.length ? bytes : bytes.slice(0, filled)
    })
  }

  async verifyUnchanged(): Promise<void> {
    const now = await onDisk('read', this.#path, 'CLIENT_SOURCE', () => this.#handle.stat())
    if (now.size === this.#opened.size && now.mtimeMs === this.#opened.mtimeMs) return
    throw clientError('CLIENT_SOURCE_CHANGED', `${this.#path} changed while it was uploaded`, { path: this.#path })
  }

  async close(): Promise<void> {
    await this.#handle.close()
  }
}
