/** Input as an attacker would make it, from seeded dice. */
import { type Bytes, concat, fromHex, KiB, MiB, type Random, randomBelow } from '../../src/base/index.ts'

const MAX_DATAGRAM = 1472

/** Random bytes, or a recorded datagram that was replayed, cut, spliced or changed. */
export function hostileDatagram(random: Random, recorded: readonly Uint8Array[]): Uint8Array {
  const real = (recorded[randomBelow(random, recorded.length)] ?? new Uint8Array(1)).slice()
  switch (randomBelow(random, 7)) {
    case 0:
      return random.bytes(1 + randomBelow(random, MAX_DATAGRAM))
    case 1:
      return real
    case 2:
      return flipBits(random, real, real.length)
    case 3:
      // The header: version, connection ids, token and packet lengths.
      return flipBits(random, real, Math.min(real.length, 60))
    case 4:
      return real.subarray(0, 1 + randomBelow(random, real.length))
    case 5: {
      const tail = random.bytes(1 + randomBelow(random, 400))
      return concat([real.subarray(0, randomBelow(random, real.length)), tail]).subarray(0, MAX_DATAGRAM)
    }
    default: {
      // A version 1 Initial of the full size with random ids: a new handshake that leads nowhere.
      const ids = 1 + randomBelow(random, 20)
      const head = Uint8Array.of(0xc0 | randomBelow(random, 16), 0, 0, 0, 1, ids)
      return concat([head, random.bytes(1200 - head.length)])
    }
  }
}

function flipBits(random: Random, bytes: Uint8Array, within: number): Uint8Array {
  for (let flips = 1 + randomBelow(random, 8); flips > 0; flips--) {
    const at = randomBelow(random, within)
    bytes[at] = (bytes[at] as number) ^ (1 << randomBelow(random, 8))
  }
  return bytes
}

/** A message that is not a WireMessage: mostly small, now and then large, empty, or above what a node takes. */
export function hostileMessage(random: Random): Uint8Array {
  const dice = randomBelow(random, 1000)
  if (dice === 0) return new Uint8Array(11 * MiB)
  if (dice < 5) return random.bytes(randomBelow(random, MiB))
  if (dice < 50) return new Uint8Array(0)
  if (dice < 300) return lyingMessage(random)
  return random.bytes(randomBelow(random, 2 * KiB))
}

/** A first field that promises more bytes than there are. */
function lyingMessage(random: Random): Uint8Array {
  const length = Array.from({ length: 1 + randomBelow(random, 10) }, () => 0x80 | randomBelow(random, 128))
  return concat([Uint8Array.from([...length, randomBelow(random, 128)]), random.bytes(randomBelow(random, 200))])
}

/** Numbers that lengths, counts and discriminants go wrong at; the first two claim more than there can be. */
export const HOSTILE_VARINTS: readonly Bytes[] =
  'ffffffffffffffffff01 ffffffff0f 8080808010 ffffffffffffffffffff7f 8000 00 7f 17'
    .split(' ')
    .map((hex) => fromHex(hex) as Bytes)

const MAX_ENCODING = 16 * KiB

/** An encoding that was cut, spliced with another, given a bad number, lengthened, replaced or changed. */
export function hostileEncoding(random: Random, source: Uint8Array, other: Uint8Array): Bytes {
  const bytes = source.slice(0, MAX_ENCODING) as Bytes
  const at = randomBelow(random, bytes.length + 1)
  switch (randomBelow(random, 7)) {
    case 0:
      return bytes.slice(0, at)
    case 1: {
      const varint = HOSTILE_VARINTS[randomBelow(random, HOSTILE_VARINTS.length)] as Bytes
      return concat([bytes.slice(0, at), varint, bytes.slice(at + randomBelow(random, 3))])
    }
    case 2:
      return concat([bytes.slice(0, at), other.slice(randomBelow(random, other.length + 1), MAX_ENCODING)])
    case 3:
      return concat([bytes, random.bytes(randomBelow(random, 40))])
    case 4:
      return random.bytes(randomBelow(random, 300))
    default:
      for (let i = randomBelow(random, 8); i >= 0; i--) bytes[randomBelow(random, bytes.length)] = random.uint32()
      return bytes
  }
}
