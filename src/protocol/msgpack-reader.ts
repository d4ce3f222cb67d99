/**
 * Reads MessagePack as the network does (wire.md 2.3): non-minimal integers, maps with field names in place of arrays
 * and trailing bytes pass; wrong lengths, wrong types and surplus elements do not.
 */
import { type Bytes, fromUtf8 } from '../base/index.ts'
import { ProtocolError } from './errors.ts'

/** Nesting of a value that is skipped; rmp stops at 1024, nothing real needs 8. */
const MAX_SKIP_DEPTH = 64

function damaged(message: string): ProtocolError {
  return new ProtocolError('PROTOCOL_DECODE', `MessagePack: ${message}`)
}

type Schema = Readonly<Record<string, (reader: MsgpackReader) => unknown>>
type Read<S extends Schema, Optional extends keyof S> = {
  [K in Exclude<keyof S, Optional>]: ReturnType<S[K]>
} & { [K in Optional]?: ReturnType<S[K]> }

/** Every method throws PROTOCOL_DECODE on bad input and on nothing else. Byte results of `bin` are views. */
export class MsgpackReader {
  readonly bytes: Uint8Array
  readonly #view: DataView
  #offset: number

  constructor(bytes: Uint8Array, offset = 0) {
    this.bytes = bytes
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    this.#offset = offset
  }

  get offset(): number {
    return this.#offset
  }

  get remaining(): number {
    return this.bytes.length - this.#offset
  }

  u64(): bigint {
    const marker = this.#u8()
    if (marker < 0x80) return BigInt(marker)
    if (marker === 0xcf) return this.#view.getBigUint64(this.#take(8))
    if (marker === 0xd3) return unsigned(this.#view.getBigInt64(this.#take(8)))
    return BigInt(this.#small(marker))
  }

  /** An unsigned integer up to `max`, at most 2^53 - 1. */
  uint(max: number = Number.MAX_SAFE_INTEGER): number {
    const marker = this.bytes[this.#offset]
    const value = marker !== undefined && marker < 0x80 ? this.#u8() : this.u64()
    if (value > max) throw damaged(`${value} at byte ${this.#offset} exceeds ${max}`)
    return Number(value)
  }

  u32(): number {
    return this.uint(0xffff_ffff)
  }

  /** An array of integers 0..255 as fresh bytes; `length` when it must be exact. */
  uints(length?: number): Bytes {
    const count = this.array()
    if (length !== undefined && count !== length) throw damaged(`${count} elements where ${length} are needed`)
    const bytes = new Uint8Array(count)
    for (let i = 0; i < count; i++) bytes[i] = this.uint(255)
    return bytes
  }

  /** A bin; `length` when it must be exact. A view, not a copy. */
  bin(length?: number): Uint8Array {
    const marker = this.#u8()
    if (marker < 0xc4 || marker > 0xc6) throw this.#unexpected('a bin', marker)
    const size = this.#size(marker - 0xc4)
    if (length !== undefined && size !== length) throw damaged(`a bin of ${size} bytes where ${length} are needed`)
    return this.#bytesOf(size)
  }

  string(): string {
    const marker = this.#u8()
    let size: number
    if (marker >> 5 === 5) size = marker & 31
    else if (marker >= 0xd9 && marker <= 0xdb) size = this.#size(marker - 0xd9)
    else throw this.#unexpected('a string', marker)
    const text = fromUtf8(this.#bytesOf(size))
    if (text === undefined) throw damaged(`a string that ends at byte ${this.#offset} is not UTF-8`)
    return text
  }

  bool(): boolean {
    const marker = this.#u8()
    if (marker !== 0xc2 && marker !== 0xc3) throw this.#unexpected('a bool', marker)
    return marker === 0xc3
  }

  /** Head of an array: its count, which the bytes that are left can hold. */
  array(): number {
    const marker = this.#u8()
    if (marker >> 4 === 9) return this.#counted(marker & 15, 1)
    if (marker !== 0xdc && marker !== 0xdd) throw this.#unexpected('an array', marker)
    return this.#counted(this.#size(marker - 0xdb), 1)
  }

  list<T>(read: (reader: this) => T, limits: { readonly min?: number; readonly max?: number } = {}): T[] {
    const count = this.array()
    const { min = 0, max = Number.POSITIVE_INFINITY } = limits
    if (count < min || count > max) throw damaged(`${count} elements where ${min} to ${max} are allowed`)
    const items: T[] = []
    for (let i = 0; i < count; i++) items.push(read(this))
    return items
  }

  /** undefined for nil. */
  option<T>(read: (reader: this) => T): T | undefined {
    if (this.bytes[this.#offset] !== 0xc0) return read(this)
    this.#offset++
    return undefined
  }

  /**
   * A struct: an array in the order of `schema`, or a map by its names (unknown names are skipped, twice the same is
   * an error). Fields in `optional` may be missing: in an array only at the end. One element too many is an error.
   */
  struct<S extends Schema, Optional extends keyof S & string = never>(
    schema: S,
    optional: readonly Optional[] = [],
  ): Read<S, Optional> {
    const names = Object.keys(schema)
    const read: Record<string, unknown> = {}
    const marker = this.bytes[this.#offset] ?? 0
    if (marker >> 4 === 8 || marker === 0xde || marker === 0xdf) this.#fieldsByName(schema, read)
    else {
      const count = this.array()
      if (count > names.length) throw damaged(`${count} elements where a struct has ${names.length}`)
      for (const name of names.slice(0, count)) read[name] = schema[name]?.(this)
    }
    const missing = names.find((name) => !Object.hasOwn(read, name) && !(optional as readonly string[]).includes(name))
    if (missing !== undefined) throw damaged(`field ${missing} is missing`)
    return read as Read<S, Optional>
  }

  /** Steps over one value of any type. */
  skip(depth = 0): void {
    if (depth > MAX_SKIP_DEPTH) throw damaged(`nested deeper than ${MAX_SKIP_DEPTH}`)
    const marker = this.#u8()
    if (marker < 0x80 || marker >= 0xe0 || marker === 0xc0 || marker === 0xc2 || marker === 0xc3) return
    if (marker >> 5 === 5) this.#take(marker & 31)
    else if (marker >> 4 === 8 || marker >> 4 === 9) this.#skipItems(marker & 15, marker < 0x90 ? 2 : 1, depth)
    else if (marker >= 0xc4 && marker <= 0xc6) this.#bytesOf(this.#size(marker - 0xc4))
    else if (marker >= 0xc7 && marker <= 0xc9) this.#bytesOf(this.#size(marker - 0xc7) + 1)
    else if (marker === 0xca || marker === 0xcb) this.#take(marker === 0xca ? 4 : 8)
    else if (marker >= 0xcc && marker <= 0xd3) this.#take(1 << ((marker - 0xcc) & 3))
    else if (marker >= 0xd4 && marker <= 0xd8) this.#take(1 + (1 << (marker - 0xd4)))
    else if (marker >= 0xd9 && marker <= 0xdb) this.#bytesOf(this.#size(marker - 0xd9))
    else if (marker === 0xdc || marker === 0xdd) this.#skipItems(this.#size(marker - 0xdb), 1, depth)
    else if (marker === 0xde || marker === 0xdf) this.#skipItems(this.#size(marker - 0xdd), 2, depth)
    else throw this.#unexpected('a value', marker)
  }

  #fieldsByName(schema: Schema, read: Record<string, unknown>): void {
    const marker = this.#u8()
    const count = this.#counted(marker >> 4 === 8 ? marker & 15 : this.#size(marker - 0xdd), 2)
    for (let i = 0; i < count; i++) {
      const name = this.string()
      if (Object.hasOwn(read, name)) throw damaged(`field ${name} stands twice`)
      if (Object.hasOwn(schema, name)) read[name] = schema[name]?.(this)
      else this.skip()
    }
  }

  #skipItems(count: number, each: number, depth: number): void {
    for (let i = this.#counted(count, each) * each; i > 0; i--) this.skip(depth + 1)
  }

  /** A size of 1, 2 or 4 bytes (`log` 0, 1, 2). */
  #size(log: number): number {
    const at = this.#take(1 << log)
    return log === 0 ? this.#view.getUint8(at) : log === 1 ? this.#view.getUint16(at) : this.#view.getUint32(at)
  }

  /** Integers of at most 32 bits behind their marker; signed ones must not be negative. */
  #small(marker: number): number {
    const view = this.#view
    switch (marker) {
      case 0xcc:
        return view.getUint8(this.#take(1))
      case 0xcd:
        return view.getUint16(this.#take(2))
      case 0xce:
        return view.getUint32(this.#take(4))
      case 0xd0:
        return unsigned(view.getInt8(this.#take(1)))
      case 0xd1:
        return unsigned(view.getInt16(this.#take(2)))
      case 0xd2:
        return unsigned(view.getInt32(this.#take(4)))
      default:
        throw this.#unexpected('an unsigned integer', marker)
    }
  }

  #counted(count: number, itemBytes: number): number {
    if (count * itemBytes > this.remaining) {
      throw damaged(`${count} elements claimed at byte ${this.#offset}, ${this.remaining} bytes are left`)
    }
    return count
  }

  #u8(): number {
    return this.#view.getUint8(this.#take(1))
  }

  /** Moves over `length` bytes and returns where they begin. */
  #take(length: number): number {
    if (length > this.remaining) throw damaged(`the input ends at byte ${this.bytes.length}`)
    const at = this.#offset
    this.#offset += length
    return at
  }

  #bytesOf(length: number): Uint8Array {
    const at = this.#take(length)
    return this.bytes.subarray(at, at + length)
  }

  #unexpected(what: string, marker: number): ProtocolError {
    return damaged(`${what} is needed at byte ${this.#offset - 1}, got marker 0x${marker.toString(16)}`)
  }
}

function unsigned<T extends number | bigint>(value: T): T {
  if (value < 0) throw damaged(`${value} is negative`)
  return value
}
