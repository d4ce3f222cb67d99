/** Byte helpers. Pure; every result is fresh unless a name says otherwise. */
import { Buffer } from 'node:buffer'

export type Bytes = Uint8Array<ArrayBuffer>

/** Lower-case hex of the bytes. Not built digit by digit: such a text is a rope of 800 bytes until someone hashes it. */
export function toHex(bytes: Uint8Array): string {
  return viewOf(bytes).toString('hex')
}

const NO_DIGIT = 16
/** Value of each ASCII character as a hex digit. */
const HEX_DIGITS = Uint8Array.from({ length: 128 }, (_, code) => {
  const value = Number.parseInt(String.fromCharCode(code), 16)
  return Number.isNaN(value) ? NO_DIGIT : value
})

/** Bytes of a hex text of either case; undefined when the text is not whole hex. */
export function fromHex(text: string): Bytes | undefined {
  const bytes = new Uint8Array(text.length >> 1)
  return hexInto(text, bytes, 0) ? bytes : undefined
}

/** Writes the bytes of a hex text at `at`, where they must fit; false when the text is not whole hex. */
export function hexInto(text: string, into: Uint8Array, at: number): boolean {
  const { length } = text
  if (length % 2 !== 0) return false
  for (let i = 0; i < length; i += 2) {
    const high = HEX_DIGITS[text.charCodeAt(i)] ?? NO_DIGIT
    const low = HEX_DIGITS[text.charCodeAt(i + 1)] ?? NO_DIGIT
    if ((high | low) >= NO_DIGIT) return false
    into[at + (i >> 1)] = (high << 4) | low
  }
  return true
}

export function concat(parts: readonly Uint8Array[]): Bytes {
  let length = 0
  for (const part of parts) length += part.length
  const all = new Uint8Array(length)
  let offset = 0
  for (const part of parts) {
    all.set(part, offset)
    offset += part.length
  }
  return all
}

/**
 * Memory that holds anything, for whoever fills all of it at once: zeros in 4 MiB cost as much as reading them. Its
 * buffer is its own and can be moved.
 */
export function unfilled(length: number): Bytes {
  return new Uint8Array(Buffer.allocUnsafeSlow(length).buffer)
}

/** Less than what anybody gives back by hand (`release`). */
const PIECE_BYTES = 16 * 1024
let piece: Bytes = new Uint8Array(0)

/**
 * As `unfilled`, but small memory is cut from a shared piece: for what lives as long as a call. Who keeps a few bytes
 * of it for long keeps the whole piece.
 */
export function unfilledShared(length: number): Bytes {
  if (length > PIECE_BYTES / 8) return unfilled(length)
  if (length > piece.length) piece = unfilled(PIECE_BYTES)
  const cut = piece.subarray(0, length)
  piece = piece.subarray(length)
  return cut
}

/** Smaller memory is left to the collector: giving it back costs more than it holds. */
const RELEASE_BYTES = 64 * 1024

/**
 * Gives the memory behind the bytes back at once; neither they nor any other view of that memory may be used again.
 * Left to the collector, used chunks and messages pile up by tens of megabytes.
 */
export function release(bytes: Uint8Array): void {
  const { buffer } = bytes
  if (!(buffer instanceof ArrayBuffer) || buffer.resizable || buffer.byteLength < RELEASE_BYTES) return
  if (!buffer.detached) buffer.transfer(0)
}

/** Below this a call into Node costs more than the loop. */
const COMPARED_BY_NODE = 128

function viewOf(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

/** Byte-wise equality. Not constant time: for public data only. */
export function equal(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false
  if (a.length >= COMPARED_BY_NODE) return viewOf(a).equals(b)
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false
  return true
}

/** Lexicographic (big-endian) order: negative, zero or positive. */
export function compare(a: Uint8Array, b: Uint8Array): number {
  const shared = Math.min(a.length, b.length)
  for (let i = 0; i < shared; i++) {
    const difference = (a[i] as number) - (b[i] as number)
    if (difference !== 0) return difference
  }
  return a.length - b.length
}

const utf8Encoder = new TextEncoder()
const utf8Decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

export function utf8(text: string): Bytes {
  return utf8Encoder.encode(text)
}

/** One character for each byte: the text of ASCII, several times faster than UTF-8. */
export function latin1(bytes: Uint8Array): string {
  return viewOf(bytes).toString('latin1')
}

/** `utf8(text).length`, without the bytes. */
export function utf8Length(text: string): number {
  return Buffer.byteLength(text, 'utf8')
}

/** Text of UTF-8 bytes; undefined when the bytes are not valid UTF-8. */
export function fromUtf8(bytes: Uint8Array): string | undefined {
  try {
    return utf8Decoder.decode(bytes)
  } catch {
    return undefined
  }
}
