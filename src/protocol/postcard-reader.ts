/**
 * postcard 1.x, reading (wire.md 2.1). As lenient as the network: non-minimal numbers pass, overlong ones do not,
 * trailing bytes are ignored by whoever stops reading. A length is compared with what is left before it is used.
 */
import { fromUtf8 } from '../base/index.ts'
import { ProtocolError } from './errors.ts'
import { KnownTexts } from './known-texts.ts'

/** 2^49: what the first seven groups of a varint hold. Above it a number would lose bits. */
const HIGH_UNIT = 2 ** 49

/** Topics, user agents, addresses. */
const names = new KnownTexts({ places: 4096, longest: 64, hash: fnv1a, decode: fromUtf8 })

const floatBytes = new Uint8Array(8)
const float = new DataView(floatBytes.buffer)

/** FNV-1a (Fowler, Noll, Vo), folded. */
function fnv1a(bytes: Uint8Array, at: number, length: number): number {
  let hash = 0x811c9dc5
  for (let i = at; i < at + length; i++) hash = Math.imul(hash ^ (bytes[i] as number), 0x01000193)
  return hash ^ (hash >>> 15)
}

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
    const at = this.skip(length)
    return this.bytes.subarray(at, at + length)
  }

  /** Where in `bytes` the next `length` raw bytes stand: a view for each key of a list costs more than its bytes. */
  skip(length: number): number {
    if (length > this.remaining) {
      throw damaged(`${length} bytes claimed at byte ${this.#offset}, ${this.remaining} are left`)
    }
    const at = this.#offset
    this.#offset += length
    return at
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

  /** As `string`, of a text that comes again and again: the same object as long as it is remembered. */
  name(): string {
    const length = this.length(1)
    const text = names.of(this.bytes, this.skip(length), length)
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
    const at = this.skip(8)
    for (let i = 0; i < 8; i++) floatBytes[i] = this.bytes[at + i] as number
    return float.getFloat64(0, true)
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
