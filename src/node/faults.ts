/**
 * Faults on demand, for tests of a local network (`myrmex devnet chaos`): a file in the node's folder names links that
 * are cut and how little room the disk pretends to have. Watched only where the node was started for it, on the
 * development network; nothing that a peer sends gets here.
 */
import { readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Clock, codeOf, type Logger, type Startable, type Timer } from '../base/index.ts'
import type { FileSystem, NewFile } from '../storage/index.ts'
import type { QuicTransport } from '../transport/index.ts'

const FAULTS_FILE = 'faults.json'
const POLL_MS = 250
const MAX_BYTES = 64 * 1024
const MAX_PORTS = 1024

export interface Faults {
  /** Ports of this machine whose datagrams are lost on their way to us. */
  readonly cut_from: readonly number[]
  /** Ports of this machine which ours do not reach. */
  readonly cut_to: readonly number[]
  /** Free space as the disk says; null: as it is. With 0 writes fail too, as on a disk that is full to the brim. */
  readonly free_bytes: number | null
}

export const NO_FAULTS: Faults = Object.freeze({ cut_from: [], cut_to: [], free_bytes: null })

/** For the node of this folder; in force within a moment. */
export async function writeFaults(folder: string, faults: Faults): Promise<void> {
  const path = join(folder, FAULTS_FILE)
  await writeFile(`${path}.tmp`, JSON.stringify(faults))
  await rename(`${path}.tmp`, path)
}

/** undefined for what makes no sense. */
export function parseFaults(text: string): Faults | undefined {
  try {
    const { cut_from, cut_to, free_bytes } = JSON.parse(text) as Partial<Faults>
    if (!isPorts(cut_from) || !isPorts(cut_to)) return undefined
    if (free_bytes !== null && !(Number.isSafeInteger(free_bytes) && Number(free_bytes) >= 0)) return undefined
    return { cut_from, cut_to, free_bytes: free_bytes as number | null }
  } catch {
    return undefined
  }
}

function isPorts(value: unknown): value is readonly number[] {
  const port = (item: unknown) => Number.isInteger(item) && Number(item) > 0 && Number(item) <= 65_535
  return Array.isArray(value) && value.length <= MAX_PORTS && value.every(port)
}

export interface FaultsDeps {
  readonly transport: Pick<QuicTransport, 'cutLinks'>
  readonly clock: Clock
  readonly log: Logger
}

export class FaultsFile implements Startable {
  readonly #path: string
  readonly #deps: FaultsDeps
  readonly #log: Logger
  #faults = NO_FAULTS
  #text = ''
  #running = false
  #timer: Timer | undefined

  constructor(rootDir: string, deps: FaultsDeps) {
    this.#path = join(rootDir, FAULTS_FILE)
    this.#deps = deps
    this.#log = deps.log.child('faults')
  }

  async start(): Promise<void> {
    this.#running = true
    this.#log.warn('faults are taken from a file: a node for tests', { file: this.#path })
    await this.#look()
  }

  async stop(): Promise<void> {
    this.#running = false
    this.#timer?.cancel()
  }

  /** The disk with the room that the file says. */
  over(disk: FileSystem): FileSystem {
    const isFull = () => this.#faults.free_bytes === 0
    return {
      processId: disk.processId,
      makeDirectory: (path) => disk.makeDirectory(path),
      syncDirectory: (path) => disk.syncDirectory(path),
      list: (path) => disk.list(path),
      read: (path, maxBytes) => disk.read(path, maxBytes),
      create: async (path, mode) => refusing(await disk.create(path, mode), isFull),
      rename: (from, to) => disk.rename(from, to),
      unlink: (path) => disk.unlink(path),
      freeBytes: async (path) => Math.min(await disk.freeBytes(path), this.#faults.free_bytes ?? Infinity),
      lock: (path) => disk.lock(path),
    }
  }

  async #look(): Promise<void> {
    try {
      const text = await readFile(this.#path, 'utf8')
      if (text.length <= MAX_BYTES) this.#take(text)
    } catch (error) {
      if (codeOf(error) === 'ENOENT') this.#take('')
    }
    if (this.#running) this.#timer = this.#deps.clock.timer(POLL_MS, () => void this.#look())
  }

  #take(text: string): void {
    if (text === this.#text || !this.#running) return
    this.#text = text
    const faults = text === '' ? NO_FAULTS : parseFaults(text)
    if (!faults) {
      this.#log.warn('the faults file makes no sense and changes nothing', { file: this.#path })
      return
    }
    this.#faults = faults
    this.#deps.transport.cutLinks({ from: faults.cut_from, to: faults.cut_to })
    this.#log.warn('faults are in force', { ...faults })
  }
}

/** A file that takes nothing while the disk is full. */
function refusing(file: NewFile, isFull: () => boolean): NewFile {
  return {
    async write(bytes) {
      if (isFull()) throw Object.assign(new Error('ENOSPC: the disk pretends to be full'), { code: 'ENOSPC' })
      await file.write(bytes)
    },
    sync: () => file.sync(),
    close: () => file.close(),
  }
}
