/** postcard 1.x, writing (wire.md 2.1): every number is minimal. */
import { type Bytes, hexInto, KiB, unfilledShared, utf8 } from '../base/index.ts'
import { ProtocolError } from './errors.ts'

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

const floatBytes = new Uint8Array(8)
const float = new DataView(floatBytes.buffer)

/** Its length fits one byte of a varint. */
const SHORT_TEXT = 127

/** Grows by doubling; give the capacity, or the memory itself, when the size is known: then nothing is copied twice. */
export class Writer {
  #bytes: Bytes
  #length = 0

  constructor(into: number | Bytes = 256) {
    this.#bytes = typeof into === 'number' ? unfilledShared(into) : into
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

  /** The bytes of a hex text. */
  hex(text: string): this {
    this.#reserve(text.length / 2)
    if (!hexInto(text, this.#bytes, this.#length)) throw new ProtocolError('PROTOCOL_ENCODE', 'a text is no whole hex')
    this.#length += text.length / 2
    return this
  }

  byteString(bytes: Uint8Array): this {
    return this.uint(bytes.length).raw(bytes)
  }

  string(text: string): this {
    return this.#shortAscii(text) ? this : this.byteString(utf8(text))
  }

  /** Addresses and names are short and ASCII: the system's encoder costs several times what their bytes do. */
  #shortAscii(text: string): boolean {
    const { length } = text
    if (length > SHORT_TEXT) return false
    for (let i = 0; i < length; i++) if (text.charCodeAt(i) > 0x7f) return false
    this.#reserve(length + 1)
    this.#bytes[this.#length++] = length
    for (let i = 0; i < length; i++) this.#bytes[this.#length++] = text.charCodeAt(i)
    return true
  }

  f64(value: number): this {
    float.setFloat64(0, value, true)
    return this.raw(floatBytes)
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
    const grown = unfilledShared(Math.max(needed, this.#bytes.length * 2))
    grown.set(this.#bytes.subarray(0, this.#length))
    this.#bytes = grown
  }
}

/** From here on a rope names the bytes instead of copying them. */
const ROPE_BYTES = 64 * KiB

/** A writer that leaves large byte strings where they are: they are copied once, into the message that is sent. */
export class RopeWriter extends Writer {
  readonly #large: { readonly at: number; readonly bytes: Uint8Array }[] = []

  override raw(bytes: Uint8Array): this {
    if (bytes.length < ROPE_BYTES) return super.raw(bytes)
    this.#large.push({ at: this.length, bytes })
    return this
  }

  /** What was written, in order: views of the large byte strings, and what lies between them. */
  finishParts(): Uint8Array[] {
    const flat = this.finish()
    const parts: Uint8Array[] = []
    let from = 0
    for (const { at, bytes } of this.#large) {
      parts.push(flat.subarray(from, at), bytes)
      from = at
    }
    parts.push(flat.subarray(from))
    return parts.filter((part) => part.length > 0)
  }
}

function unsigned(value: number): number {
  if (!Number.isSafeInteger(value) || value < 0) {
    throw new ProtocolError('PROTOCOL_ENCODE', `${value} is no unsigned safe integer`)
  }
  return value
}
