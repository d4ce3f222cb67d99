/**
 * postcard 1.x as the network uses it (wire.md 2.1). The writer is minimal; the reader is as lenient as the network:
 * non-minimal varints pass, overlong ones do not, trailing bytes are ignored by whoever stops reading.
 */
import { type Bytes, fromUtf8, utf8 } from '../base/index.ts'
import { ProtocolError } from './errors.ts'

/** 2^49: what the first seven groups of a varint hold. Above it a number would lose bits. */
const HIGH_UNIT = 2 ** 49

function damaged(message: string): ProtocolError {
  return new ProtocolError('PROTOCOL_DECODE', message)
}

/** Reads from `bytes` without copying. Every method throws PROTOCOL_DECODE on bad input and on nothing else. */
export class Reader {
  readonly bytes: Uint8Array
  #offset: number
  #low = 0
  #high = 0

  constructor(bytes: Uint8Array, offset = 0) {
    this.bytes = bytes
    this.#offset = offset
  }

  /** Bytes consumed so far, counted from the start of `bytes`. */
  get offset(): number {
    return this.#offset
  }

  get remaining(): number {
    return this.bytes.length - this.#offset
  }

  u8(): number {
    const byte = this.bytes[this.#offset]
    if (byte === undefined) throw damaged(`the message ends at byte ${this.#offset}`)
    this.#offset++
    return byte
  }

  bool(): boolean {
    const byte = this.u8()
    if (byte > 1) throw damaged(`a bool is 0 or 1, got ${byte} at byte ${this.#offset - 1}`)
    return byte === 1
  }

  u16(): number {
    this.#varint(3, 0x03)
    return this.#low
  }

  u32(): number {
    this.#varint(5, 0x0f)
    return this.#low
  }

  u64(): bigint {
    this.#varint(10, 0x01)
    return this.#high === 0 ? BigInt(this.#low) : BigInt(this.#low) + (BigInt(this.#high) << 49n)
  }

  /** A u64 or usize that must be a safe integer. */
  uint(): number {
    this.#varint(10, 0x01)
    if (this.#high >= 16) throw damaged(`a value above 2^53 - 1 at byte ${this.#offset}`)
    return this.#low + this.#high * HIGH_UNIT
  }

  /** A u64 or usize as a number where it is safe, else as a bigint. */
  size(): number | bigint {
    const value = this.u64()
    return value <= Number.MAX_SAFE_INTEGER ? Number(value) : value
  }

  /** A u64 as the nearest number: for values that only inform. */
  nearest(): number {
    this.#varint(10, 0x01)
    return this.#low + this.#high * HIGH_UNIT
  }

  /** `length` raw bytes: a view, not a copy. */
  raw(length: number): Uint8Array {
    if (length > this.remaining) {
      throw damaged(`${length} bytes claimed at byte ${this.#offset}, ${this.remaining} are left`)
    }
    const view = this.bytes.subarray(this.#offset, this.#offset + length)
    this.#offset += length
    return view
  }

  /** A length-prefixed byte string: a view, not a copy. */
  byteString(): Uint8Array {
    return this.raw(this.length(1))
  }

  string(): string {
    const text = fromUtf8(this.byteString())
    if (text === undefined) throw damaged(`a string that ends at byte ${this.#offset} is not UTF-8`)
    return text
  }

  /** The discriminant of an enum of `variants` variants. */
  variant(variants: number): number {
    const value = this.u32()
    if (value >= variants) throw damaged(`unknown variant ${value} before byte ${this.#offset}`)
    return value
  }

  f64(): number {
    const raw = this.raw(8)
    return new DataView(raw.buffer, raw.byteOffset, 8).getFloat64(0, true)
  }

  option<T>(read: (reader: this) => T): T | undefined {
    const tag = this.u8()
    if (tag > 1) throw damaged(`an option tag is 0 or 1, got ${tag} at byte ${this.#offset - 1}`)
    return tag === 1 ? read(this) : undefined
  }

  /** A count of items of at least `itemBytes` each, checked against what is left before anyone allocates for it. */
  length(itemBytes: number): number {
    this.#varint(10, 0x01)
    const count = this.#low + this.#high * HIGH_UNIT
    if (count * itemBytes > this.remaining) {
      throw damaged(`${count} items claimed at byte ${this.#offset}, ${this.remaining} bytes are left`)
    }
    return count
  }

  /**
   * A sequence. `itemBytes` is the least size of one item, at least 1. Items beyond the first `keep` are read and
   * dropped: give one more than the limit, so that the caller sees that it was passed without holding the rest.
   */
  list<T>(itemBytes: number, read: (reader: this) => T, keep = Number.POSITIVE_INFINITY): T[] {
    const count = this.length(itemBytes)
    const items: T[] = []
    for (let i = 0; i < count; i++) {
      const item = read(this)
      if (i < keep) items.push(item)
    }
    return items
  }

  /** Leaves the value in #low (49 bits) and #high (15 bits). */
  #varint(maxBytes: number, lastMax: number): void {
    const { bytes } = this
    let low = 0
    let high = 0
    let unit = 1
    for (let i = 0; i < maxBytes; i++) {
      const byte = bytes[this.#offset + i]
      if (byte === undefined) throw damaged(`the message ends inside a number at byte ${this.#offset + i}`)
      if (i === 7) unit = 1
      if (i < 7) low += (byte & 0x7f) * unit
      else high += (byte & 0x7f) * unit
      unit *= 128
      if (byte < 0x80) {
        if (i === maxBytes - 1 && byte > lastMax) break
        this.#offset += i + 1
        this.#low = low
        this.#high = high
        return
      }
    }
    throw damaged(`a number at byte ${this.#offset} is longer than ${maxBytes} bytes or too large`)
  }
}

/** Bytes of the minimal varint of `value`. */
export function varintBytes(value: number | bigint): number {
  if (typeof value === 'bigint') {
    let bytes = 1
    for (let rest = value >> 7n; rest > 0n; rest >>= 7n) bytes++
    return bytes
  }
  let bytes = 1
  for (let rest = value; rest >= 128; rest = Math.floor(rest / 128)) bytes++
  return bytes
}

/** Grows by doubling; give `capacity` when the size is known, then nothing is copied twice. */
export class Writer {
  #bytes: Bytes
  #length = 0

  constructor(capacity = 256) {
    this.#bytes = new Uint8Array(capacity)
  }

  get length(): number {
    return this.#length
  }

  u8(value: number): this {
    this.#reserve(1)
    this.#bytes[this.#length++] = value
    return this
  }

  bool(value: boolean): this {
    return this.u8(value ? 1 : 0)
  }

  /** Any unsigned integer up to u64 as a minimal varint; a number must be a safe integer. */
  uint(value: number | bigint): this {
    this.#reserve(10)
    let rest = typeof value === 'bigint' ? this.#upperGroups(value) : unsigned(value)
    while (rest >= 128) {
      this.#bytes[this.#length++] = (rest % 128) | 0x80
      rest = Math.floor(rest / 128)
    }
    this.#bytes[this.#length++] = rest
    return this
  }

  raw(bytes: Uint8Array): this {
    this.#reserve(bytes.length)
    this.#bytes.set(bytes, this.#length)
    this.#length += bytes.length
    return this
  }

  byteString(bytes: Uint8Array): this {
    return this.uint(bytes.length).raw(bytes)
  }

  string(text: string): this {
    return this.byteString(utf8(text))
  }

  f64(value: number): this {
    this.#reserve(8)
    new DataView(this.#bytes.buffer).setFloat64(this.#length, value, true)
    this.#length += 8
    return this
  }

  option<T>(value: T | undefined, write: (writer: this, value: T) => unknown): this {
    if (value === undefined) return this.u8(0)
    this.u8(1)
    write(this, value)
    return this
  }

  list<T>(items: readonly T[], write: (writer: this, item: T) => unknown): this {
    this.uint(items.length)
    for (const item of items) write(this, item)
    return this
  }

  /** What was written: a view that later writes may detach. Take it last. */
  finish(): Bytes {
    return this.#bytes.subarray(0, this.#length)
  }

  /** Writes the groups of a bigint that lie below the safe range and returns the rest as a number. */
  #upperGroups(value: bigint): number {
    if (value < 0n || value > 0xffff_ffff_ffff_ffffn) {
      throw new ProtocolError('PROTOCOL_ENCODE', `${value} is no unsigned 64-bit integer`)
    }
    let rest = value
    while (rest > 0xffff_ffffn) {
      this.#bytes[this.#length++] = Number(rest & 0x7fn) | 0x80
      rest >>= 7n
    }
    return Number(rest)
  }

  #reserve(more: number): void {
    const needed = this.#length + more
    if (needed <= this.#bytes.length) return
    const grown = new Uint8Array(Math.max(needed, this.#bytes.length * 2))
    grown.set(this.#bytes.subarray(0, this.#length))
    this.#bytes = grown
  }
}

function unsigned(value: number): number {
  if (!Number.isSafeInteger(value) || value < 0) {
    throw new ProtocolError('PROTOCOL_ENCODE', `${value} is no unsigned safe integer`)
  }
  return value
}
