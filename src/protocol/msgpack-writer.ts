/**
 * MessagePack in the dialect of payment objects, sidecars and data maps (wire.md 2.3): structs are arrays without
 * names, hashes and byte vectors are arrays of small integers, integers are shortest.
 */
import { type Bytes, utf8 } from '../base/index.ts'
import { ProtocolError } from './errors.ts'

const U32 = 2 ** 32

export class MsgpackWriter {
  #bytes: Bytes
  #view: DataView
  #length = 0

  constructor(capacity = 512) {
    this.#bytes = new Uint8Array(capacity)
    this.#view = new DataView(this.#bytes.buffer)
  }

  /** Head of an array of `count` elements (a struct: its number of fields); write the elements next. */
  array(count: number): this {
    if (count < 16) return this.#put8(0x90 | count)
    return count < 65_536 ? this.#put8(0xdc).#put16(count) : this.#put8(0xdd).#put32(count)
  }

  /** Shortest form of an unsigned integer up to u64; a number must be a safe integer. */
  uint(value: number | bigint): this {
    if (value < 0 || (typeof value === 'bigint' ? value >= 2n ** 64n : !Number.isSafeInteger(value))) {
      throw new ProtocolError('PROTOCOL_ENCODE', `${value} is no unsigned 64-bit integer`)
    }
    if (value < U32) {
      const small = Number(value)
      if (small < 128) return this.#put8(small)
      if (small < 256) return this.#put8(0xcc).#put8(small)
      return small < 65_536 ? this.#put8(0xcd).#put16(small) : this.#put8(0xce).#put32(small)
    }
    this.#put8(0xcf).#reserve(8)
    this.#view.setBigUint64(this.#length, BigInt(value))
    this.#length += 8
    return this
  }

  /** Bytes as an array of integers: the form of hashes, keys, signatures and byte vectors. */
  uints(bytes: Uint8Array): this {
    this.array(bytes.length).#reserve(bytes.length * 2)
    for (const byte of bytes) {
      if (byte >= 128) this.#bytes[this.#length++] = 0xcc
      this.#bytes[this.#length++] = byte
    }
    return this
  }

  /** Bytes as bin: the form of U256, EVM addresses and transaction hashes. */
  bin(bytes: Uint8Array): this {
    const { length } = bytes
    if (length < 256) this.#put8(0xc4).#put8(length)
    else if (length < 65_536) this.#put8(0xc5).#put16(length)
    else this.#put8(0xc6).#put32(length)
    return this.raw(bytes)
  }

  string(text: string): this {
    const bytes = utf8(text)
    const { length } = bytes
    if (length < 32) this.#put8(0xa0 | length)
    else if (length < 256) this.#put8(0xd9).#put8(length)
    else if (length < 65_536) this.#put8(0xda).#put16(length)
    else this.#put8(0xdb).#put32(length)
    return this.raw(bytes)
  }

  bool(value: boolean): this {
    return this.#put8(value ? 0xc3 : 0xc2)
  }

  nil(): this {
    return this.#put8(0xc0)
  }

  /** nil for undefined, otherwise the value itself. */
  option<T>(value: T | undefined, write: (writer: this, value: T) => unknown): this {
    if (value === undefined) return this.nil()
    write(this, value)
    return this
  }

  list<T>(items: readonly T[], write: (writer: this, item: T) => unknown): this {
    this.array(items.length)
    for (const item of items) write(this, item)
    return this
  }

  /** Bytes that are MessagePack already, or a tag in front of it. */
  raw(bytes: Uint8Array): this {
    this.#reserve(bytes.length)
    this.#bytes.set(bytes, this.#length)
    this.#length += bytes.length
    return this
  }

  /** What was written: a view that later writes may detach. Take it last. */
  finish(): Bytes {
    return this.#bytes.subarray(0, this.#length)
  }

  #put8(value: number): this {
    this.#reserve(1)
    this.#bytes[this.#length++] = value
    return this
  }

  #put16(value: number): this {
    this.#reserve(2)
    this.#view.setUint16(this.#length, value)
    this.#length += 2
    return this
  }

  #put32(value: number): this {
    this.#reserve(4)
    this.#view.setUint32(this.#length, value)
    this.#length += 4
    return this
  }

  #reserve(more: number): void {
    const needed = this.#length + more
    if (needed <= this.#bytes.length) return
    const grown = new Uint8Array(Math.max(needed, this.#bytes.length * 2))
    grown.set(this.#bytes.subarray(0, this.#length))
    this.#bytes = grown
    this.#view = new DataView(grown.buffer)
  }
}
