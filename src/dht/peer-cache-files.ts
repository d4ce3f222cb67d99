/** Driver: reads and writes the two small files of dht.md 12 in the node's folder. Nothing else touches files here. */
import { constants } from 'node:fs'
import { mkdir, open, rename, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import { type Random, toHex } from '../base/index.ts'
import { FILE_LIMITS } from './options.ts'

export type PeerFileName = 'close_group_cache.json' | 'routing_snapshot.json'

/** Where the files are; absent in simulations. */
export interface PeerFiles {
  /** Text of the file; undefined when it is missing, not a plain file, too large, or cannot be read. */
  read(name: PeerFileName): Promise<string | undefined>
  /** Whole or not at all, mode 0600. */
  write(name: PeerFileName, text: string): Promise<void>
}

export class PeerCacheFiles implements PeerFiles {
  readonly #folder: string
  readonly #random: Random

  constructor(deps: { random: Random }, options: { folder: string }) {
    this.#random = deps.random
    this.#folder = options.folder
  }

  async read(name: PeerFileName): Promise<string | undefined> {
    // No symlink is followed, and opening a FIFO returns at once instead of waiting for a writer.
    const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK
    try {
      await using file = await open(join(this.#folder, name), flags)
      const stat = await file.stat()
      if (!stat.isFile() || stat.size > FILE_LIMITS.maxBytes) return undefined
      // One byte more than allowed: a file that grows meanwhile is noticed.
      const buffer = new Uint8Array(FILE_LIMITS.maxBytes + 1)
      let length = 0
      while (length < buffer.length) {
        const { bytesRead } = await file.read(buffer, length, buffer.length - length, null)
        if (bytesRead === 0) break
        length += bytesRead
      }
      return length > FILE_LIMITS.maxBytes ? undefined : new TextDecoder().decode(buffer.subarray(0, length))
    } catch {
      return undefined
    }
  }

  async write(name: PeerFileName, text: string): Promise<void> {
    const path = join(this.#folder, name)
    const temporary = `${path}.${toHex(this.#random.bytes(6))}.tmp`
    await mkdir(this.#folder, { recursive: true })
    try {
      const file = await open(temporary, 'wx', 0o600)
      try {
        await file.writeFile(text)
        await file.sync()
      } finally {
        await file.close()
      }
      await rename(temporary, path)
    } catch (error) {
      await unlink(temporary).catch(() => undefined)
      throw error
    }
  }
}
