/**
 * The addon's set of keys (storage/key-set.ts) over a simulated disk, so that the real paid list runs on it. As LMDB's:
 * what was opened is read through the page cache whatever the disk does meanwhile, a change needs the disk, and one that
 * returns is on it.
 */
import { fromUtf8 } from '../base/index.ts'
import { type ChunkAddress, chunkAddressOf, KEY_BYTES, keyOf } from '../protocol/index.ts'
import type { KeySet, KeySetClass } from '../storage/index.ts'
import type { DiskKeys } from './disk-keys.ts'

/** A disk, for one process. Throws errors with the system's code. */
export interface KeyDisk {
  /** What lies in the folder; nothing at first. undefined: this machine has it open. */
  open(folder: string): DiskKeys | undefined
  /** Does the change in a place that is still there, and flushes it. */
  commit(folder: string, keys: DiskKeys, change: () => void): void
}

/** Numbers of native/keys/src/c_abi.rs; positive ones are the system's. */
const [FULL, OPEN] = [-1, -3]
const SYSTEM: Readonly<Record<string, number>> = { ENOENT: 2, EIO: 5, ENOSPC: 28, EROFS: 30 }
/** Inserts leave removals this share of the map (native/keys/src/lib.rs). */
const ROOM_SHARE = 1 / 16

export function keySetsOn(disk: KeyDisk): KeySetClass {
  return class extends SimKeySet {
    constructor(path: Uint8Array, mapBytes: number) {
      super(disk, fromUtf8(path) as string, mapBytes)
    }
  }
}

class SimKeySet implements KeySet {
  readonly #disk: KeyDisk
  readonly #folder: string
  readonly #limitBytes: number
  readonly #keys: DiskKeys

  constructor(disk: KeyDisk, folder: string, mapBytes: number) {
    this.#disk = disk
    this.#folder = folder
    this.#limitBytes = mapBytes * (1 - ROOM_SHARE)
    const keys = withStatus(() => disk.open(folder))
    if (!keys) throw statusError(OPEN)
    this.#keys = keys
  }

  has(key: Uint8Array): boolean {
    return this.#keys.has(chunkAddressOf(key))
  }
  count(): number {
    return this.#keys.size
  }
  page(after: Uint8Array, out: Uint8Array): number {
    const found = this.#keys.after(after.length === 0 ? undefined : chunkAddressOf(after), out.length / KEY_BYTES)
    for (const [i, key] of found.entries()) out.set(keyOf(key), i * KEY_BYTES)
    return found.length
  }

  async insert(keys: Uint8Array): Promise<Uint8Array> {
    return this.#change('insert', keys)
  }
  async remove(keys: Uint8Array): Promise<Uint8Array> {
    return this.#change('remove', keys)
  }
  close(): void {
    this.#keys.openInBoot = undefined
  }

  #change(kind: 'insert' | 'remove', bytes: Uint8Array): Uint8Array {
    const flags = new Uint8Array(bytes.length / KEY_BYTES)
    const changed = new Set<ChunkAddress>()
    for (let i = 0; i < flags.length; i++) {
      const key = chunkAddressOf(bytes, i * KEY_BYTES)
      if (this.#keys.has(key) === (kind === 'insert') || changed.has(key)) continue
      changed.add(key)
      flags[i] = 1
    }
    // As LMDB: what changes nothing does not touch the disk.
    if (changed.size === 0) return flags
    if (kind === 'insert' && this.#keys.bytes(changed.size) > this.#limitBytes) throw statusError(FULL)
    withStatus(() => this.#disk.commit(this.#folder, this.#keys, () => this.#keys.apply({ kind, keys: [...changed] })))
    return flags
  }
}

function withStatus<T>(work: () => T): T {
  try {
    return work()
  } catch (error) {
    const status = SYSTEM[(error as { code?: string }).code ?? '']
    throw status === undefined ? error : statusError(status)
  }
}

function statusError(status: number): Error {
  return Object.assign(new Error(`key set status ${status}`), { status })
}
