/** A simulated disk as one boot of a machine sees it: what still runs of a process that lost power changes nothing more. */
import type { DirectoryEntry, FileLock, FileSystem, NewFile, ReadOutcome } from '../storage/index.ts'

export class SimSession implements FileSystem {
  readonly processId: number
  readonly #disk: FileSystem
  readonly #alive: () => void

  /** `alive` throws once the power was lost. */
  constructor(disk: FileSystem, alive: () => void) {
    this.processId = disk.processId
    this.#disk = disk
    this.#alive = alive
  }

  async makeDirectory(path: string): Promise<boolean> {
    this.#alive()
    return this.#disk.makeDirectory(path)
  }
  async syncDirectory(path: string): Promise<void> {
    this.#alive()
    return this.#disk.syncDirectory(path)
  }
  async list(path: string): Promise<readonly DirectoryEntry[]> {
    this.#alive()
    return this.#disk.list(path)
  }
  async read(path: string, maxBytes: number): Promise<ReadOutcome> {
    this.#alive()
    return this.#disk.read(path, maxBytes)
  }
  async create(path: string, mode?: number): Promise<NewFile> {
    this.#alive()
    return this.#disk.create(path, mode)
  }
  async rename(from: string, to: string): Promise<void> {
    this.#alive()
    return this.#disk.rename(from, to)
  }
  async unlink(path: string): Promise<boolean> {
    this.#alive()
    return this.#disk.unlink(path)
  }
  async freeBytes(path: string): Promise<number> {
    this.#alive()
    return this.#disk.freeBytes(path)
  }
  async lock(path: string): Promise<FileLock> {
    this.#alive()
    return this.#disk.lock(path)
  }
}
