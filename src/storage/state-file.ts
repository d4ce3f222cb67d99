/**
 * A small file that is only ever replaced as a whole: what a node remembers besides chunks. One writer at a time; the
 * folder lock of the node keeps other processes away.
 */
import { join } from 'node:path'
import { never, Semaphore } from '../base/index.ts'
import type { FileSystem } from './file-system.ts'
import { writeDurably } from './write-durably.ts'

export interface StateFileOptions {
  readonly folder: string
  readonly name: string
  readonly maxBytes: number
  /** Mode of the file; default 0644. */
  readonly mode?: number
}

export type StateRead =
  | { readonly kind: 'found'; readonly bytes: Uint8Array }
  | { readonly kind: 'missing' }
  /** Too large, no plain file, or an error of the disk. */
  | { readonly kind: 'unreadable'; readonly reason: unknown }

const MAX_WAITING = 16

export class StateFile {
  readonly path: string
  readonly #fileSystem: FileSystem
  readonly #options: StateFileOptions
  readonly #writing = new Semaphore(1, MAX_WAITING)

  constructor(fileSystem: FileSystem, options: StateFileOptions) {
    this.#fileSystem = fileSystem
    this.#options = options
    this.path = join(options.folder, options.name)
  }

  async read(): Promise<StateRead> {
    try {
      const found = await this.#fileSystem.read(this.path, this.#options.maxBytes)
      return found.kind === 'refused' ? { kind: 'unreadable', reason: `it is ${found.reason}` } : found
    } catch (reason) {
      return { kind: 'unreadable', reason }
    }
  }

  /** Durable when it resolves; when it throws (errors of the system, SEMAPHORE_FULL) the old content or the new stands. */
  write(content: Uint8Array): Promise<void> {
    const { folder, name, mode } = this.#options
    return this.#writing.run(never, async () => {
      const temp = `.${name}.tmp`
      // What an earlier run left when it died.
      await this.#fileSystem.unlink(join(folder, temp))
      const outcome = await writeDurably(this.#fileSystem, folder, { temp, name }, content, mode)
      if (outcome.kind === 'unflushed') throw outcome.cause
    })
  }
}
