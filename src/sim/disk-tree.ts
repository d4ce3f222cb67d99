/**
 * What lies on a simulated disk, and what of it would survive a power loss (pure): bytes of a file after `sync`, names
 * in a directory after `syncDirectory`. Operations are data, so that a recorded history can be played up to any point.
 */
import { basename, dirname } from 'node:path/posix'
import { assert, type Random, randomBelow } from '../base/index.ts'
import type { Aftermath } from './aftermath.ts'
import type { DiskKeys } from './disk-keys.ts'
import type { SharedContent } from './shared-content.ts'

export type DiskOperation =
  | { readonly kind: 'makeDirectory' | 'syncDirectory' | 'unlink'; readonly path: string }
  /** `file` is a number that the operations on its bytes use: they go on whatever happens to the name. */
  | { readonly kind: 'create'; readonly path: string; readonly file: number; readonly mode: number }
  | { readonly kind: 'write'; readonly file: number; readonly bytes: Uint8Array }
  | { readonly kind: 'sync'; readonly file: number }
  | { readonly kind: 'rename'; readonly from: string; readonly to: string }
  /** One bit of a file changes by itself, on the platter. */
  | { readonly kind: 'rot'; readonly path: string; readonly bit: number }

/** Whether the bytes are those that a file of this name must have. */
export type Judge = (name: string, bytes: Uint8Array) => boolean

export class DiskFile {
  readonly mode: number
  /** Durable content. */
  #synced: Uint8Array = new Uint8Array()
  /** Written after it and not synced, in order. */
  #unsynced: Uint8Array[] = []

  readonly #contents: SharedContent | undefined
  /** As long as the content stays as it is. */
  #judged: { readonly name: string; readonly right: boolean } | undefined

  constructor(mode: number, contents?: SharedContent) {
    this.mode = mode
    this.#contents = contents
  }

  get length(): number {
    return this.#unsynced.reduce((sum, { length }) => sum + length, this.#synced.length)
  }
  bytes(): Uint8Array {
    return joined([this.#synced, ...this.#unsynced])
  }
  /** Whether the judge finds the content right for the name; asked once for a content. */
  isRight(name: string, judge: Judge): boolean {
    if (this.#judged?.name !== name) this.#judged = { name, right: judge(name, this.bytes()) }
    return this.#judged.right
  }
  append(bytes: Uint8Array): void {
    this.#judged = undefined
    this.#unsynced.push(bytes)
  }
  sync(): void {
    if (this.#unsynced.length === 0) return
    const bytes = this.bytes()
    this.#synced = this.#contents?.of(bytes) ?? bytes
    this.#unsynced = []
  }
  flip(bit: number): void {
    this.#judged = undefined
    this.#synced = this.bytes().slice()
    this.#unsynced = []
    const at = bit >> 3
    this.#synced[at] = (this.#synced[at] as number) ^ (1 << (bit & 7))
  }

  settle(aftermath: Aftermath, random: Random): void {
    if (this.#unsynced.length > 0) this.#judged = undefined
    if (aftermath === 'mixture') this.#unsynced = this.#unsynced.flatMap((bytes) => tornWrite(bytes, random))
    if (aftermath === 'flushed') this.#unsynced = []
    this.sync()
  }
}

/** A write that was not flushed: gone, whole, cut off, or of full length with other bytes in a part of it. */
function tornWrite(bytes: Uint8Array, random: Random): Uint8Array[] {
  const cut = randomBelow(random, bytes.length + 1)
  switch (randomBelow(random, 5)) {
    case 0:
      return []
    case 1:
      return [bytes]
    case 2:
      return [bytes.slice(0, cut)]
    case 3:
      return [joined([bytes.slice(0, cut), new Uint8Array(bytes.length - cut)])]
    default:
      return [joined([random.bytes(cut), bytes.slice(cut)])]
  }
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  if (parts.filter(({ length }) => length > 0).length <= 1)
    return parts.find(({ length }) => length > 0) ?? new Uint8Array()
  const all = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0))
  let offset = 0
  for (const part of parts) {
    all.set(part, offset)
    offset += part.length
  }
  return all
}

export class DiskDirectory {
  names = new Map<string, DiskFile | DiskDirectory>()
  /** Names that survive a power loss. */
  #synced = new Map<string, DiskFile | DiskDirectory>()

  sync(): void {
    this.#synced = new Map(this.names)
  }

  settle(aftermath: Aftermath, random: Random): void {
    const kept = new Map<string, DiskFile | DiskDirectory>()
    for (const name of new Set([...this.#synced.keys(), ...this.names.keys()])) {
      const changed = this.#synced.get(name) !== this.names.get(name)
      const now = aftermath === 'mixture' && changed ? random.float() < 0.5 : aftermath !== 'flushed'
      const entry = (now ? this.names : this.#synced).get(name)
      if (entry) kept.set(name, entry)
    }
    this.names = kept
    this.sync()
    for (const entry of kept.values()) entry.settle(aftermath, random)
  }
}

export class DiskTree {
  readonly root = new DiskDirectory()
  /** Sets of keys by their folder: files, too, but never seen as such. */
  readonly keySets = new Map<string, DiskKeys>()
  readonly #files = new Map<number, DiskFile>()
  readonly #contents: SharedContent | undefined

  constructor(contents?: SharedContent) {
    this.#contents = contents
  }

  /** undefined: nothing there. */
  at(path: string): DiskFile | DiskDirectory | undefined {
    let entry: DiskFile | DiskDirectory | undefined = this.root
    for (const part of path.split('/').filter(Boolean)) {
      entry = entry instanceof DiskDirectory ? entry.names.get(part) : undefined
    }
    return entry
  }
  directory(path: string): DiskDirectory | undefined {
    const entry = this.at(path)
    return entry instanceof DiskDirectory ? entry : undefined
  }
  file(number: number): DiskFile | undefined {
    return this.#files.get(number)
  }

  /** The operation must be possible: whoever records it has looked before. */
  apply(operation: DiskOperation): void {
    switch (operation.kind) {
      case 'makeDirectory':
        this.#parent(operation.path).names.set(basename(operation.path), new DiskDirectory())
        return
      case 'syncDirectory':
        this.directory(operation.path)?.sync()
        return
      case 'create': {
        const file = new DiskFile(operation.mode, this.#contents)
        this.#files.set(operation.file, file)
        this.#parent(operation.path).names.set(basename(operation.path), file)
        return
      }
      case 'write':
        this.#files.get(operation.file)?.append(operation.bytes)
        return
      case 'sync':
        this.#files.get(operation.file)?.sync()
        return
      case 'rename': {
        const from = this.#parent(operation.from)
        const entry = from.names.get(basename(operation.from))
        assert(entry, `${operation.from} is there`)
        from.names.delete(basename(operation.from))
        this.#parent(operation.to).names.set(basename(operation.to), entry)
        return
      }
      case 'unlink':
        this.#parent(operation.path).names.delete(basename(operation.path))
        return
      case 'rot': {
        const file = this.at(operation.path)
        if (file instanceof DiskFile && file.length > 0) file.flip(operation.bit % (8 * file.length))
      }
    }
  }

  /** Power is lost and comes back. */
  settle(aftermath: Aftermath, random: Random): void {
    this.#files.clear()
    this.root.settle(aftermath, random)
    for (const keys of this.keySets.values()) keys.settle(aftermath, random)
  }

  /** Forgets a closed file's number. */
  close(file: number): void {
    this.#files.delete(file)
  }

  /** Every file, by path, as a reader sees it now. */
  *files(path = '', directory: DiskDirectory = this.root): IterableIterator<[path: string, file: DiskFile]> {
    for (const [name, entry] of directory.names) {
      if (entry instanceof DiskFile) yield [`${path}/${name}`, entry]
      else yield* this.files(`${path}/${name}`, entry)
    }
  }

  #parent(path: string): DiskDirectory {
    const directory = this.directory(dirname(path))
    assert(directory, `the folder of ${path} is there`)
    return directory
  }
}
