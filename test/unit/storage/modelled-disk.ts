/**
 * A disk in memory that knows what is durable: bytes after `sync`, names after `syncDirectory`. It can lose power at
 * any step and come back as one of the states a real disk may show. Every touch goes through `steps`.
 */
import { basename, dirname } from 'node:path'
import type { Random } from '../../../src/base/index.ts'
import type { DirectoryEntry, FileLock, FileSystem, NewFile, ReadOutcome } from '../../../src/storage/index.ts'

export class PowerLost extends Error {}

/** What is found after the crash: all that was done (kill -9), what was flushed (power loss), or any mixture. */
export type Aftermath = 'everything' | 'flushed' | 'mixture'

class File {
  bytes: Uint8Array = new Uint8Array()
  /** Bytes that survive a power loss; undefined: none were flushed. */
  flushed: Uint8Array | undefined
}
class Directory {
  names = new Map<string, File | Directory>()
  flushed = new Map<string, File | Directory>()
}

export interface DiskFaults {
  /** Loses power before this step (0-based). */
  readonly crashAt?: number
  /** Forgets to flush files or directories: the store must then be caught out. */
  readonly lies?: 'file' | 'directory'
}

export class ModelledDisk implements FileSystem {
  readonly processId = 4242
  readonly steps: string[] = []
  readonly #root = new Directory()
  #faults: DiskFaults = {}
  #locks = new Set<string>()
  free = Number.MAX_SAFE_INTEGER

  fail(faults: DiskFaults): void {
    this.steps.length = 0
    this.#faults = faults
  }

  /** Power comes back: what was not durable is there or not, as the aftermath says. */
  reboot(aftermath: Aftermath, random: Random): void {
    this.#faults = {}
    this.#locks.clear()
    settle(this.#root, aftermath, random)
  }

  /** Every file below a directory: path to bytes, as a reader sees it now. */
  files(path = '/', directory: Directory = this.#root): Map<string, Uint8Array> {
    const found = new Map<string, Uint8Array>()
    for (const [name, entry] of directory.names) {
      const full = path === '/' ? `/${name}` : `${path}/${name}`
      if (entry instanceof File) found.set(full, entry.bytes)
      else for (const [inner, bytes] of this.files(full, entry)) found.set(inner, bytes)
    }
    return found
  }

  /** Puts a file there, durable, without a step. */
  plant(path: string, bytes: Uint8Array): void {
    const file = new File()
    file.bytes = bytes
    file.flushed = bytes
    let directory = this.#root
    for (const part of dirname(path).split('/').filter(Boolean)) {
      const next = directory.names.get(part) ?? new Directory()
      directory.names.set(part, next)
      directory.flushed.set(part, next)
      directory = next as Directory
    }
    directory.names.set(basename(path), file)
    directory.flushed.set(basename(path), file)
  }

  async makeDirectory(path: string): Promise<boolean> {
    this.#step(`makeDirectory ${path}`)
    let directory = this.#root
    let made = false
    for (const part of path.split('/').filter(Boolean)) {
      let next = directory.names.get(part)
      if (!next) {
        directory.names.set(part, (next = new Directory()))
        made = true
      }
      directory = next as Directory
    }
    return made
  }
  async syncDirectory(path: string): Promise<void> {
    this.#step(`syncDirectory ${path}`)
    if (this.#faults.lies === 'directory') return
    const directory = this.#directory(path)
    directory.flushed = new Map(directory.names)
  }
  async list(path: string): Promise<readonly DirectoryEntry[]> {
    this.#step(`list ${path}`)
    return [...this.#directory(path).names].map(([name, entry]) => ({
      name,
      kind: entry instanceof File ? 'file' : 'directory',
    }))
  }
  async read(path: string, maxBytes: number): Promise<ReadOutcome> {
    this.#step(`read ${path}`)
    const file = this.#directory(dirname(path)).names.get(basename(path))
    if (!file) return { kind: 'missing' }
    if (!(file instanceof File) || file.bytes.length > maxBytes) return { kind: 'refused', reason: 'not readable' }
    return { kind: 'found', bytes: file.bytes.slice() }
  }
  async create(path: string): Promise<NewFile> {
    this.#step(`create ${path}`)
    const { names } = this.#directory(dirname(path))
    if (names.has(basename(path))) throw Object.assign(new Error(`${path} exists`), { code: 'EEXIST' })
    const file = new File()
    names.set(basename(path), file)
    return {
      write: async (bytes) => {
        this.#step(`write half ${path}`)
        file.bytes = bytes.slice(0, bytes.length >> 1)
        this.#step(`write rest ${path}`)
        file.bytes = bytes.slice()
      },
      sync: async () => {
        this.#step(`sync ${path}`)
        if (this.#faults.lies !== 'file') file.flushed = file.bytes.slice()
      },
      close: async () => this.#step(`close ${path}`),
    }
  }
  async rename(from: string, to: string): Promise<void> {
    this.#step(`rename ${from} ${to}`)
    const { names } = this.#directory(dirname(from))
    const file = names.get(basename(from))
    if (!file) throw Object.assign(new Error(`${from} is missing`), { code: 'ENOENT' })
    names.delete(basename(from))
    this.#directory(dirname(to)).names.set(basename(to), file)
  }
  async unlink(path: string): Promise<boolean> {
    this.#step(`unlink ${path}`)
    return this.#directory(dirname(path)).names.delete(basename(path))
  }
  async freeBytes(path: string): Promise<number> {
    this.#step(`freeBytes ${path}`)
    return this.free
  }
  async lock(path: string): Promise<FileLock> {
    this.#step(`lock ${path}`)
    if (this.#locks.has(path)) throw new Error(`${path} is locked`)
    this.#locks.add(path)
    return { release: async () => void this.#locks.delete(path) }
  }

  #step(what: string): void {
    if (this.#faults.crashAt !== undefined && this.steps.length >= this.#faults.crashAt) throw new PowerLost(what)
    this.steps.push(what)
  }
  #directory(path: string): Directory {
    let directory: File | Directory | undefined = this.#root
    for (const part of path.split('/').filter(Boolean)) {
      directory = directory instanceof Directory ? directory.names.get(part) : undefined
    }
    if (directory instanceof Directory) return directory
    throw Object.assign(new Error(`${path} is missing`), { code: 'ENOENT' })
  }
}

function settle(directory: Directory, aftermath: Aftermath, random: Random): void {
  const names = new Map<string, File | Directory>()
  for (const name of new Set([...directory.flushed.keys(), ...directory.names.keys()])) {
    const kept = aftermath === 'mixture' ? random.float() < 0.5 : aftermath === 'everything'
    const entry = (kept ? directory.names : directory.flushed).get(name)
    if (!entry) continue
    names.set(name, entry)
    if (entry instanceof Directory) settle(entry, aftermath, random)
    else settleFile(entry, aftermath, random)
  }
  directory.names = names
  directory.flushed = new Map(names)
}

/** Unflushed bytes: all, none, or as far as the disk came. */
function settleFile(file: File, aftermath: Aftermath, random: Random): void {
  if (aftermath === 'flushed') file.bytes = file.flushed ?? new Uint8Array()
  if (aftermath === 'mixture' && file.flushed === undefined) {
    file.bytes = file.bytes.slice(0, Math.floor(random.float() * (file.bytes.length + 1)))
  }
  file.flushed = file.bytes
}
