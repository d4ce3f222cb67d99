/** IP addresses as bytes and canonical text (RFC 5952 for IPv6), and the ranges that matter here (wire.md 5.2). */

/** 4 or 16 bytes; undefined when the text is no strict IPv4 or IPv6 literal (no zone, no leading zeros in IPv4). */
export function parseIp(text: string): Uint8Array | undefined {
  return text.includes(':') ? parseIpv6(text) : parseIpv4(text)
}

const DOT = 0x2e
const DIGIT_ZERO = 0x30

/** By characters: every address in every answer is read, and a pattern for each of its parts takes ten times as long. */
export function parseIpv4(text: string): Uint8Array | undefined {
  const bytes = new Uint8Array(4)
  let at = 0
  for (let i = 0; i < 4; i++) {
    if (i > 0 && text.charCodeAt(at++) !== DOT) return undefined
    const from = at
    let value = 0
    for (; at - from < 3; at++) {
      const digit = text.charCodeAt(at) - DIGIT_ZERO
      if (!(digit >= 0 && digit <= 9)) break
      value = value * 10 + digit
    }
    const leadingZero = at - from > 1 && text.charCodeAt(from) === DIGIT_ZERO
    if (at === from || value > 255 || leadingZero) return undefined
    bytes[i] = value
  }
  return at === text.length ? bytes : undefined
}

export function parseIpv6(text: string): Uint8Array | undefined {
  if (text.length > 45) return undefined
  const halves = text.split('::')
  if (halves.length > 2) return undefined
  const head = groups(halves[0] as string, halves.length === 1)
  const tail = halves.length === 2 ? groups(halves[1] as string, true) : []
  if (!head || !tail) return undefined
  const missing = 8 - head.length - tail.length
  if (halves.length === 2 ? missing < 1 : missing !== 0) return undefined
  const all = [...head, ...new Array<number>(missing).fill(0), ...tail]
  const bytes = new Uint8Array(16)
  all.forEach((group, i) => {
    bytes[2 * i] = group >> 8
    bytes[2 * i + 1] = group & 255
  })
  return bytes
}

/** 16-bit groups of one half; a dotted IPv4 may stand at the very end of the whole text. */
function groups(half: string, last: boolean): number[] | undefined {
  if (half === '') return []
  const result: number[] = []
  const parts = half.split(':')
  for (const [i, part] of parts.entries()) {
    if (last && i === parts.length - 1 && part.includes('.')) {
      const v4 = parseIpv4(part)
      if (!v4) return undefined
      result.push(((v4[0] as number) << 8) | (v4[1] as number), ((v4[2] as number) << 8) | (v4[3] as number))
    } else if (/^[0-9a-fA-F]{1,4}$/.test(part)) {
      result.push(Number.parseInt(part, 16))
    } else return undefined
  }
  return result
}

/** Canonical text of 4 or 16 bytes: dotted, or compressed lower-case hex; an IPv4-mapped one ends dotted. */
export function formatIp(bytes: Uint8Array): string {
  if (bytes.length === 4) return `${bytes[0]}.${bytes[1]}.${bytes[2]}.${bytes[3]}`
  if (isMapped(bytes)) return `::ffff:${bytes.subarray(12).join('.')}`
  const words = Array.from({ length: 8 }, (_, i) => ((bytes[2 * i] as number) << 8) | (bytes[2 * i + 1] as number))
  const { start, length } = longestZeroRun(words)
  const hex = words.map((word) => word.toString(16))
  if (length < 2) return hex.join(':')
  return `${hex.slice(0, start).join(':')}::${hex.slice(start + length).join(':')}`
}

/** The first of the longest runs of zero groups. */
function longestZeroRun(words: readonly number[]): { start: number; length: number } {
  let best = { start: 0, length: 0 }
  for (let i = 0; i < words.length; i++) {
    let end = i
    while (end < words.length && words[end] === 0) end++
    if (end - i > best.length) best = { start: i, length: end - i }
    i = Math.max(i, end - 1)
  }
  return best
}

/** Whether 16 bytes are ::ffff:a.b.c.d. */
export function isMapped(bytes: Uint8Array): boolean {
  if (bytes.length !== 16 || bytes[10] !== 255 || bytes[11] !== 255) return false
  for (let i = 0; i < 10; i++) if (bytes[i] !== 0) return false
  return true
}

/** The IPv4 bytes of an IPv4-mapped IPv6 address, anything else unchanged. */
export function unmapIp(bytes: Uint8Array): Uint8Array {
  return isMapped(bytes) ? bytes.subarray(12) : bytes
}

/** Canonical text with IPv4-mapped addresses as IPv4: the form in which addresses are compared. Undefined: no IP. */
export function normalizeIp(text: string): string | undefined {
  const bytes = parseIp(text)
  return bytes && formatIp(unmapIp(bytes))
}

/** 127.0.0.0/8 or ::1. */
export function isLoopbackIp(bytes: Uint8Array): boolean {
  if (bytes.length === 4) return bytes[0] === 127
  return bytes[15] === 1 && bytes.subarray(0, 15).every((byte) => byte === 0)
}

/** 0.0.0.0 or ::. */
export function isUnspecifiedIp(bytes: Uint8Array): boolean {
  return bytes.every((byte) => byte === 0)
}

/** 224.0.0.0/4 or ff00::/8. */
export function isMulticastIp(bytes: Uint8Array): boolean {
  const first = bytes[0] as number
  return bytes.length === 4 ? first >> 4 === 14 : first === 255
}

/** Loopback, private, link-local, carrier-grade NAT and unique local ranges. IPv4-mapped ones do not count. */
export function isLanIp(bytes: Uint8Array): boolean {
  if (isLoopbackIp(bytes)) return true
  const [a, b] = bytes as unknown as [number, number]
  if (bytes.length === 16) return (a & 0xfe) === 0xfc || (a === 0xfe && (b & 0xc0) === 0x80)
  return (
    a === 10 ||
    (a === 172 && b >> 4 === 1) ||
    (a === 192 && b === 168) ||
    (a === 169 && b === 254) ||
    (a === 100 && b >> 6 === 1)
  )
}

/** The network that diversity limits count: /24 of IPv4 (mapped too), /48 of IPv6, e.g. `1.2.3.0/24`. */
export function subnetOfIp(bytes: Uint8Array): string {
  const ip = unmapIp(bytes)
  const kept = ip.length === 4 ? 3 : 6
  const network = new Uint8Array(ip.length)
  network.set(ip.subarray(0, kept))
  return `${formatIp(network)}/${kept * 8}`
}
