/** Chunk files of the nodes: which are sound, and damage to them. Reads and writes other processes' folders. */
import { open, readdir, readFile, rename, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { codeOf, type Random, shuffled, toHex } from '../../base/index.ts'
import { backend } from '../../crypto/index.ts'

const CHUNKS = 'chunks'
const AWAY = 'chunks.away'
/** Files that one corruption hits. */
const MOST_CORRUPTED = 8
/** Copies whose content is remembered as looked at. */
const MOST_KNOWN = 200_000

export class ChunkFiles {
  /** By path: the state of the file when it was hashed, and what came of it. */
  readonly #known = new Map<string, { readonly stamp: string; readonly sound: boolean }>()

  /** Slots whose disk holds the chunk's very bytes; a folder that is away counts, it comes back. */
  async holders(roots: readonly string[], address: string): Promise<Set<number>> {
    const found = await Promise.all(roots.map((root) => this.#soundAt(root, address)))
    return new Set(found.flatMap((sound, slot) => (sound ? [slot] : [])))
  }

  async #soundAt(root: string, address: string): Promise<boolean> {
    return (
      (await this.#sound(fileOf(root, CHUNKS, address), address)) ?? // Looked for again only while it is away.
      (await this.#sound(fileOf(root, AWAY, address), address)) ??
      false
    )
  }

  /** undefined: there is no such file. */
  async #sound(path: string, address: string): Promise<boolean | undefined> {
    try {
      const { size, mtimeMs, ctimeMs, ino } = await stat(path)
      const stamp = `${ino} ${size} ${mtimeMs} ${ctimeMs}`
      const known = this.#known.get(path)
      if (known?.stamp === stamp) return known.sound
      const sound = toHex(backend().blake3(await readFile(path))) === address
      if (this.#known.size >= MOST_KNOWN) this.#known.clear()
      this.#known.set(path, { stamp, sound })
      return sound
    } catch (error) {
      if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR') return undefined
      throw error
    }
  }
}

function fileOf(root: string, folder: string, address: string): string {
  return join(root, folder, address.slice(-2), address)
}

/** Flips one bit of some chunk files of a node and returns their addresses. */
export async function corruptChunks(root: string, random: Random): Promise<string[]> {
  const names = await readdir(join(root, CHUNKS), { recursive: true }).catch(() => [])
  const addresses = names.map((name) => name.slice(-64)).filter((name) => /^[0-9a-f]{64}$/.test(name))
  const hit: string[] = []
  for (const address of shuffled(random, addresses.sort()).slice(0, MOST_CORRUPTED)) {
    const place = random.float()
    if (await flipBit(fileOf(root, CHUNKS, address), place)) hit.push(address)
  }
  return hit
}

async function flipBit(path: string, place: number): Promise<boolean> {
  try {
    const file = await open(path, 'r+')
    try {
      const { size } = await file.stat()
      if (size === 0) return false
      const at = Math.floor(place * size)
      const byte = new Uint8Array(1)
      await file.read(byte, 0, 1, at)
      await file.write(Uint8Array.of((byte[0] as number) ^ 1), 0, 1, at)
      return true
    } finally {
      await file.close()
    }
  } catch (error) {
    // The node removed it in between.
    if (codeOf(error) === 'ENOENT') return false
    throw error
  }
}

/** As when a disk is pulled out: the folder is not there, what is open in it stays open. */
export async function takeDiskAway(root: string): Promise<void> {
  await rename(join(root, CHUNKS), join(root, AWAY))
}

/** Throws when the node made a folder in its place: what it put there would be lost with the next mount. */
export async function bringDiskBack(root: string): Promise<void> {
  await rename(join(root, AWAY), join(root, CHUNKS))
}
