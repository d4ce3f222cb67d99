/**
 * The manifest of a directory: our own versioned form, stored as a file of the network (self-encrypted, so names are
 * private). Pure. Layout, integers little-endian:
 *
 *   magic 15 `89 "MYRMEX-DIR" 0d 0a 1a 0a` ‖ version u8 = 1 ‖ mode of the folder itself u16 ‖ count u32 ‖ entries
 *   entry: kind u8 ‖ mode u16 ‖ path (u16 length, UTF-8) ‖
 *     0 directory: nothing · 1 file: size u64, data map (u32 length, MessagePack) · 2 small file: bytes (u8 length ≤ 2)
 *     · 3 symbolic link: target (u16 length, UTF-8)
 *
 * Entries rise strictly in the byte order of their paths, and every folder of a path is an entry of kind 0: so there is
 * one encoding of one directory, and nothing can stand below a file or a link.
 */
import { type Bytes, compare, concat, fromUtf8, MiB, utf8 } from '../base/index.ts'
import { clientError } from './errors.ts'
import { linkFault, pathFault } from './manifest-paths.ts'

export const MANIFEST_VERSION = 1
export const MANIFEST_MAGIC: Uint8Array = new Uint8Array([0x89, ...utf8('MYRMEX-DIR'), 0x0d, 0x0a, 0x1a, 0x0a])
export const MAX_MANIFEST_BYTES = 64 * MiB
export const MAX_MANIFEST_ENTRIES = 100_000
export const MAX_INLINE_BYTES = 2
/** A final data map has three entries: 349 bytes. Room for maps in other forms. */
const MAX_DATA_MAP_BYTES = 4096
const MODE_BITS = 0o777
const LEAST_ENTRY_BYTES = 1 + 2 + 2 + 1

export type ManifestEntry = {
  /** Relative, `/` between names. */
  readonly path: string
  /** Permission bits, 0..0o777. */
  readonly mode: number
} & (
  | { readonly kind: 'directory' }
  | { readonly kind: 'file'; readonly size: number; readonly dataMap: Uint8Array }
  | { readonly kind: 'inline'; readonly content: Uint8Array }
  | { readonly kind: 'symlink'; readonly target: string }
)

export interface Manifest {
  /** Permission bits of the folder itself. */
  readonly mode: number
  readonly entries: readonly ManifestEntry[]
}

/** Whether bytes begin like a manifest: that is how a download tells a directory from a file. */
export function looksLikeManifest(bytes: Uint8Array): boolean {
  return bytes.length >= MANIFEST_MAGIC.length && MANIFEST_MAGIC.every((byte, i) => bytes[i] === byte)
}

/** Bytes of the file that an entry stands for; 0 for folders and links. */
export function contentBytes(entry: ManifestEntry): number {
  return entry.kind === 'file' ? entry.size : entry.kind === 'inline' ? entry.content.length : 0
}

const KINDS = ['directory', 'file', 'inline', 'symlink'] as const

/** Sorts the entries. Throws CLIENT_BAD_MANIFEST or CLIENT_UNSAFE_PATH for what `decodeManifest` would refuse. */
export function encodeManifest({ mode, entries }: Manifest): Bytes {
  const sorted = entries.map((entry) => ({ entry, path: utf8(entry.path) })).sort((a, b) => compare(a.path, b.path))
  checkEntries(sorted.map(({ entry }) => entry))
  const parts = [MANIFEST_MAGIC, new Uint8Array([MANIFEST_VERSION]), u16(mode & MODE_BITS), u32(entries.length)]
  for (const { entry, path } of sorted) {
    parts.push(new Uint8Array([KINDS.indexOf(entry.kind)]), u16(entry.mode & MODE_BITS), u16(path.length), path)
    if (entry.kind === 'file') parts.push(u64(entry.size), u32(entry.dataMap.length), entry.dataMap)
    if (entry.kind === 'inline') parts.push(new Uint8Array([entry.content.length]), entry.content)
    if (entry.kind === 'symlink') parts.push(u16(utf8(entry.target).length), utf8(entry.target))
  }
  const bytes = concat(parts)
  if (bytes.length > MAX_MANIFEST_BYTES) bad(`it has ${bytes.length} bytes, the limit is ${MAX_MANIFEST_BYTES}`)
  return bytes
}

/** Strict: one wrong byte throws CLIENT_BAD_MANIFEST, a dangerous name or link CLIENT_UNSAFE_PATH. */
export function decodeManifest(bytes: Uint8Array): Manifest {
  if (!looksLikeManifest(bytes)) bad('it does not begin like a manifest')
  if (bytes.length > MAX_MANIFEST_BYTES) bad(`it has ${bytes.length} bytes, the limit is ${MAX_MANIFEST_BYTES}`)
  const reader = new ManifestReader(bytes, MANIFEST_MAGIC.length)
  const version = reader.uint(1)
  if (version !== MANIFEST_VERSION) {
    bad(`it has version ${version}, this program reads version ${MANIFEST_VERSION}: a newer myrmex may read it`)
  }
  const mode = readMode(reader)
  const count = reader.uint(4)
  if (count > MAX_MANIFEST_ENTRIES) bad(`it has ${count} entries, the limit is ${MAX_MANIFEST_ENTRIES}`)
  if (count * LEAST_ENTRY_BYTES > reader.left) bad('it ends too early')
  const entries: ManifestEntry[] = []
  for (let i = 0; i < count; i++) entries.push(readEntry(reader))
  if (reader.left > 0) bad(`${reader.left} bytes follow after its end`)
  checkEntries(entries)
  return { mode, entries }
}

function readEntry(reader: ManifestReader): ManifestEntry {
  const kind = KINDS[reader.uint(1)] ?? bad('it holds an entry of unknown kind')
  const mode = readMode(reader)
  const path = reader.text(2)
  switch (kind) {
    case 'directory':
      return { path, mode, kind }
    case 'file': {
      const size = reader.uint(8)
      return { path, mode, kind, size, dataMap: reader.bytes(4, MAX_DATA_MAP_BYTES) }
    }
    case 'inline':
      return { path, mode, kind, content: reader.bytes(1, MAX_INLINE_BYTES) }
    case 'symlink':
      return { path, mode, kind, target: reader.text(2) }
  }
}

function readMode(reader: ManifestReader): number {
  const mode = reader.uint(2)
  if (mode > MODE_BITS) bad(`it holds the mode ${mode.toString(8)}`)
  return mode
}

/** Everything that must hold between entries and of each; `entries` in their order. */
function checkEntries(entries: readonly ManifestEntry[]): void {
  if (entries.length > MAX_MANIFEST_ENTRIES) {
    bad(`it has ${entries.length} entries, the limit is ${MAX_MANIFEST_ENTRIES}`)
  }
  const folders = new Set<string>()
  let previous: Uint8Array | undefined
  for (const entry of entries) {
    const { path } = entry
    const fault = pathFault(path)
    if (fault !== undefined) unsafe(`the path ${JSON.stringify(path.slice(0, 200))} is refused: ${fault}`)
    const bytes = utf8(path)
    if (previous && compare(previous, bytes) >= 0) {
      bad(`${JSON.stringify(path)} is there twice or not in its place`)
    }
    previous = bytes
    const parent = path.slice(0, Math.max(0, path.lastIndexOf('/')))
    if (parent !== '' && !folders.has(parent))
      unsafe(`${JSON.stringify(path)} stands below something that is no folder`)
    if (entry.kind === 'directory') folders.add(path)
    checkContent(entry)
  }
}

function checkContent(entry: ManifestEntry): void {
  const { path, kind } = entry
  if (kind === 'symlink') {
    const fault = linkFault(path, entry.target)
    if (fault !== undefined) unsafe(`the link ${JSON.stringify(path)} is refused: ${fault}`)
  }
  if (kind === 'inline' && entry.content.length > MAX_INLINE_BYTES) {
    bad(`${JSON.stringify(path)} has ${entry.content.length} inline bytes, the limit is ${MAX_INLINE_BYTES}`)
  }
  if (kind === 'file') {
    if (!Number.isSafeInteger(entry.size) || entry.size <= MAX_INLINE_BYTES) {
      bad(`${JSON.stringify(path)} is a file of ${entry.size} bytes with a data map`)
    }
    if (entry.dataMap.length === 0 || entry.dataMap.length > MAX_DATA_MAP_BYTES) {
      bad(`${JSON.stringify(path)} has a data map of ${entry.dataMap.length} bytes, the limit is ${MAX_DATA_MAP_BYTES}`)
    }
  }
}

class ManifestReader {
  readonly #bytes: Uint8Array
  #at: number

  constructor(bytes: Uint8Array, at: number) {
    this.#bytes = bytes
    this.#at = at
  }

  get left(): number {
    return this.#bytes.length - this.#at
  }

  uint(width: number): number {
    let value = 0n
    for (const [i, byte] of this.#take(width).entries()) value |= BigInt(byte) << BigInt(8 * i)
    if (value > BigInt(Number.MAX_SAFE_INTEGER)) bad(`it holds the number ${value}`)
    return Number(value)
  }

  bytes(width: number, limit: number): Uint8Array {
    const length = this.uint(width)
    if (length > limit) bad(`it holds a field of ${length} bytes, the limit is ${limit}`)
    return this.#take(length).slice()
  }

  text(width: number): string {
    return fromUtf8(this.#take(this.uint(width))) ?? bad('it holds a name that is not UTF-8')
  }

  #take(length: number): Uint8Array {
    if (length > this.left) bad('it ends too early')
    this.#at += length
    return this.#bytes.subarray(this.#at - length, this.#at)
  }
}

function u16(value: number): Uint8Array {
  return new Uint8Array([value & 0xff, value >> 8])
}

function u32(value: number): Uint8Array {
  const bytes = new Uint8Array(4)
  new DataView(bytes.buffer).setUint32(0, value, true)
  return bytes
}

function u64(value: number): Uint8Array {
  const bytes = new Uint8Array(8)
  new DataView(bytes.buffer).setBigUint64(0, BigInt(value), true)
  return bytes
}

function bad(why: string): never {
  throw clientError('CLIENT_BAD_MANIFEST', `the manifest of the directory cannot be used: ${why}`)
}

function unsafe(why: string): never {
  throw clientError('CLIENT_UNSAFE_PATH', why)
}
