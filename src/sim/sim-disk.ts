/**
 * A disk in memory under the real stores: the FileSystem port with faults on command, for whole simulated nodes and for
 * tests. It can be full, read-only, failing, unplugged, rot, and lose power; the same seed gives the same disk. With
 * `record` every change is kept, so that `imageAt` can make the disk of a crash at each point of the history.
 */
import { dirname } from 'node:path/posix'
import type { Random } from '../base/index.ts'
import type { DirectoryEntry, FileLock, FileSystem, KeySetClass, NewFile, ReadOutcome } from '../storage/index.ts'
import type { Aftermath } from './aftermath.ts'
import { DiskKeys } from './disk-keys.ts'
import { DiskDirectory, DiskFile, type DiskOperation, DiskTree, type Judge } from './disk-tree.ts'
import type { SharedContent } from './shared-content.ts'
import { keySetsOn } from './sim-key-set.ts'
import { SimSession } from './sim-session.ts'

export interface DiskFaults {
  /** Writes fail with EROFS. */
  readonly readOnly: boolean
  /** EIO for these. */
  readonly failing: 'nothing' | 'reads' | 'writes' | 'everything'
  /** Says that it has flushed and has not: a store must then be caught out. */
  readonly lies: 'never' | 'files' | 'directories'
  /** Power is lost before this change, counted from now; everything fails from then on. */
  readonly powerLostAfter: number
}

export interface SimDiskOptions {
  readonly capacityBytes?: number
  readonly record?: boolean
  /** Of all disks of a world: equal files take memory once. */
  readonly contents?: SharedContent
}

const SOUND: DiskFaults = {
  readOnly: false,
  failing: 'nothing',
  lies: 'never',
  powerLostAfter: Number.POSITIVE_INFINITY,
}
const BLOCK_BYTES = 4096
const PROCESS_ID = 4242

export class SimDisk implements FileSystem {
  readonly processId = PROCESS_ID
  capacityBytes: number
  readonly #recorded: DiskOperation[] | undefined
  readonly #contents: SharedContent | undefined
  #tree: DiskTree
  /** The disk while an empty folder lies in its place. */
  #unplugged: DiskTree | undefined
  #faults: DiskFaults = SOUND
  #changes = 0
  #files = 0
  /** Goes up with every power loss: handles and locks of before are dead. */
  #boot = 0
  #locks = new Map<string, number>()

  constructor({ capacityBytes = Number.MAX_SAFE_INTEGER, record = false, contents }: SimDiskOptions = {}) {
    this.capacityBytes = capacityBytes
    this.#contents = contents
    this.#tree = new DiskTree(contents)
    this.#recorded = record ? [] : undefined
  }

  /** The disk as a crash after the first `length` operations of a history leaves it. */
  static imageAt(history: readonly DiskOperation[], length: number, aftermath: Aftermath, random: Random): SimDisk {
    const disk = new SimDisk({ record: true })
    for (const operation of history.slice(0, length)) disk.#tree.apply(operation)
    disk.#tree.settle(aftermath, random)
    return disk
  }

  /** Every change so far; empty without `record`. */
  get history(): readonly DiskOperation[] {
    return this.#recorded ?? []
  }

  /** From now on; what is not named is sound. */
  fail(faults: Partial<DiskFaults>): void {
    this.#faults = { ...SOUND, ...faults }
    this.#changes = 0
  }

  /**
   * Power is lost and comes back: handles are dead, locks are free, what was not flushed is as the aftermath says. A
   * disk that is broken or away stays so.
   */
  crash(aftermath: Aftermath, random: Random): void {
    this.#boot++
    this.#locks.clear()
    this.#faults = { ...this.#faults, powerLostAfter: SOUND.powerLostAfter }
    this.#tree.settle(aftermath, random)
    this.#unplugged?.settle(aftermath, random)
  }

  /** The disk for the processes of this boot: after `crash` they reach nothing any more. */
  session(): FileSystem {
    const boot = this.#boot
    return new SimSession(this, () => {
      if (boot !== this.#boot) throw failure('EIO', 'the power was lost')
    })
  }

  /** What lies in the set of keys of a folder, seen from outside. */
  keysIn(folder: string): Pick<DiskKeys, 'has' | 'size'> | undefined {
    return this.#tree.keySets.get(folder)
  }

  /** Sets of keys for the processes of this boot; they are no part of the history. */
  keySets(): KeySetClass {
    const boot = this.#boot
    return keySetsOn({
      open: (folder) => {
        // Its lock file is opened for writing.
        if (this.#faults.readOnly) throw failure('EROFS', folder)
        this.#mayRead(folder)
        if (!this.#tree.directory(folder)) throw failure('ENOENT', folder)
        const there = this.#tree.keySets.get(folder)
        if (there?.openInBoot === boot) return undefined
        if (!there) this.#mayChange(folder)
        const keys = there ?? new DiskKeys()
        keys.openInBoot = boot
        this.#tree.keySets.set(folder, keys)
        return keys
      },
      commit: (folder, keys, change) => {
        if (boot !== this.#boot || keys !== this.#tree.keySets.get(folder)) throw failure('EIO', folder)
        this.#mayChange(folder)
        if (this.#freeBytes() < BLOCK_BYTES) throw failure('ENOSPC', folder)
        change()
        this.#changes++
        this.#mayChange(folder)
        if (this.#faults.lies !== 'files') keys.sync()
        this.#changes++
      },
    })
  }

  /** One bit of the file changes by itself. */
  rot(path: string, random: Random): void {
    this.#apply({ kind: 'rot', path, bit: random.uint32() })
  }

  /** An empty folder lies where the disk was mounted, and can be written. */
  unplug(mountPoint: string): void {
    this.#unplugged ??= this.#tree
    this.#tree = new DiskTree(this.#contents)
    this.#makeDirectories(mountPoint)
  }
  get unplugged(): boolean {
    return this.#unplugged !== undefined
  }
  plugIn(): void {
    this.#tree = this.#unplugged ?? this.#tree
    this.#unplugged = undefined
  }

  /** Every file, by path, as a reader sees it now. */
  files(): Map<string, Uint8Array> {
    return new Map([...this.#tree.files()].map(([path, file]) => [path, file.bytes()]))
  }

  /** One file as a reader sees it now; undefined: nothing there. */
  fileAt(path: string): Uint8Array | undefined {
    const file = this.#tree.at(path)
    return file instanceof DiskFile ? file.bytes() : undefined
  }

  /** It is there and no fault stands in the way of reading. */
  get readable(): boolean {
    const { failing, powerLostAfter } = this.#faults
    return !this.unplugged && (failing === 'nothing' || failing === 'writes') && this.#changes < powerLostAfter
  }

  /** Names of files in the folders of `path` whose content the judge finds right, past every fault. */
  *rightFiles(path: string, judge: Judge): IterableIterator<string> {
    for (const folder of this.#tree.directory(path)?.names.values() ?? []) {
      if (folder instanceof DiskFile) continue
      for (const [name, file] of folder.names) if (file instanceof DiskFile && file.isRight(name, judge)) yield name
    }
  }

  /** A durable file, past every fault and record. */
  plant(path: string, bytes: Uint8Array): void {
    const operations: DiskOperation[] = [
      { kind: 'create', path, file: ++this.#files, mode: 0o644 },
      { kind: 'write', file: this.#files, bytes: bytes.slice() },
      { kind: 'sync', file: this.#files },
    ]
    this.#makeDirectories(dirname(path))
    for (const operation of operations) this.#apply(operation)
    for (let folder = dirname(path); ; folder = dirname(folder)) {
      this.#apply({ kind: 'syncDirectory', path: folder })
      if (folder === '/') return
    }
  }

  async makeDirectory(path: string): Promise<boolean> {
    this.#mayRead(path)
    if (this.#tree.directory(path)) return false
    this.#mayChange(path)
    this.#makeDirectories(path)
    return true
  }

  async syncDirectory(path: string): Promise<void> {
    this.#mayChange(path, { evenReadOnly: true })
    if (!this.#tree.directory(path)) throw failure('ENOENT', path)
    if (this.#faults.lies !== 'directories') this.#apply({ kind: 'syncDirectory', path })
  }

  async list(path: string): Promise<readonly DirectoryEntry[]> {
    this.#mayRead(path)
    const directory = this.#tree.directory(path)
    if (!directory) throw failure('ENOENT', path)
    return [...directory.names].map(([name, entry]) => ({
      name,
      kind: entry instanceof DiskFile ? 'file' : 'directory',
    }))
  }

  async read(path: string, maxBytes: number): Promise<ReadOutcome> {
    this.#mayRead(path)
    const file = this.#tree.at(path)
    if (!file) return { kind: 'missing' }
    if (file instanceof DiskDirectory) return { kind: 'refused', reason: 'no regular file' }
    if (file.length > maxBytes) return { kind: 'refused', reason: `${file.length} bytes long` }
    return { kind: 'found', bytes: file.bytes().slice() }
  }

  async create(path: string, mode = 0o644): Promise<NewFile> {
    this.#mayChange(path)
    const directory = this.#tree.directory(dirname(path))
    if (!directory) throw failure('ENOENT', path)
    if (this.#tree.at(path)) throw failure('EEXIST', path)
    const file = ++this.#files
    this.#apply({ kind: 'create', path, file, mode })
    return this.#handle(path, file)
  }

  /** Two operations a write: a crash may come in the middle of one. */
  #handle(path: string, file: number): NewFile {
    const boot = this.#boot
    const tree = this.#tree
    const alive = () => {
      if (boot !== this.#boot || tree !== this.#tree) throw failure('EIO', path)
    }
    return {
      write: async (bytes) => {
        const half = bytes.length >> 1
        for (const part of bytes.length < 2 ? [bytes] : [bytes.subarray(0, half), bytes.subarray(half)]) {
          alive()
          this.#mayChange(path)
          if (this.#freeBytes() < part.length) throw failure('ENOSPC', path)
          this.#apply({ kind: 'write', file, bytes: part.slice() })
        }
      },
      sync: async () => {
        alive()
        this.#mayChange(path)
        if (this.#faults.lies !== 'files') this.#apply({ kind: 'sync', file })
      },
      close: async () => this.#tree.close(file),
    }
  }

  async rename(from: string, to: string): Promise<void> {
    this.#mayChange(from)
    if (!this.#tree.at(from) || !this.#tree.directory(dirname(to))) throw failure('ENOENT', from)
    this.#apply({ kind: 'rename', from, to })
  }

  async unlink(path: string): Promise<boolean> {
    this.#mayRead(path)
    if (!this.#tree.at(path)) return false
    this.#mayChange(path)
    this.#apply({ kind: 'unlink', path })
    return true
  }

  async freeBytes(path: string): Promise<number> {
    this.#mayRead(path)
    if (!this.#tree.directory(path)) throw failure('ENOENT', path)
    return this.#freeBytes()
  }

  async lock(path: string): Promise<FileLock> {
    this.#mayChange(path)
    if (!this.#tree.directory(dirname(path))) throw failure('ENOENT', path)
    if (this.#locks.get(path) === this.#boot) throw failure('EAGAIN', path)
    const boot = this.#boot
    this.#locks.set(path, boot)
    return {
      release: async () => {
        if (this.#locks.get(path) === boot) this.#locks.delete(path)
      },
    }
  }

  #freeBytes(): number {
    if (this.capacityBytes === Number.MAX_SAFE_INTEGER) return this.capacityBytes
    let used = 0
    for (const keys of this.#tree.keySets.values()) used += keys.bytes()
    for (const [, file] of this.#tree.files()) used += Math.ceil(file.length / BLOCK_BYTES) * BLOCK_BYTES + BLOCK_BYTES
    return Math.max(0, this.capacityBytes - used)
  }

  #makeDirectories(path: string): void {
    let full = ''
    for (const part of path.split('/').filter(Boolean)) {
      full += `/${part}`
      if (!this.#tree.at(full)) this.#apply({ kind: 'makeDirectory', path: full })
    }
  }

  #mayRead(path: string): void {
    if (this.#changes >= this.#faults.powerLostAfter) throw failure('EIO', path)
    if (this.#faults.failing === 'reads' || this.#faults.failing === 'everything') throw failure('EIO', path)
  }
  #mayChange(path: string, { evenReadOnly = false } = {}): void {
    if (this.#changes >= this.#faults.powerLostAfter) throw failure('EIO', path)
    if (this.#faults.failing === 'writes' || this.#faults.failing === 'everything') throw failure('EIO', path)
    if (this.#faults.readOnly && !evenReadOnly) throw failure('EROFS', path)
  }
  #apply(operation: DiskOperation): void {
    this.#changes++
    if (!this.#unplugged) this.#recorded?.push(operation)
    this.#tree.apply(operation)
  }
}

function failure(code: string, path: string): Error {
  return Object.assign(new Error(`${code}: ${path}`), { code })
}
