/** The 256-bit XOR space (Maymounkov and Mazieres, 2002, section 2.1). PeerIds and chunk addresses are points of it. */
import { type Bytes, fromHex, toHex } from '../base/index.ts'
import { ProtocolError } from './errors.ts'
import { KnownTexts } from './known-texts.ts'

declare const brand: unique symbol
/** 64 lower-case hex digits: BLAKE3 of the peer's ML-DSA-65 public key. */
export type PeerId = string & { readonly [brand]: 'PeerId' }
/** 64 lower-case hex digits: BLAKE3 of the chunk's bytes. */
export type ChunkAddress = string & { readonly [brand]: 'ChunkAddress' }
/** 32 bytes. Texts are what maps, logs and messages use; keys are what distances are made of. */
export type Key = Bytes

export const KEY_BYTES = 32

/** The key of a PeerId or ChunkAddress. */
export function keyOf(text: PeerId | ChunkAddress): Key {
  return fromHex(text) as Key
}

/** A message names dozens of peers and chunks. Some 4 MiB when all places are taken. */
const texts = new KnownTexts({
  ...{ places: 32_768, longest: KEY_BYTES, decode: toHex },
  // Keys are hashes already.
  hash: (bytes, at) => (bytes[at] as number) | ((bytes[at + 1] as number) << 8),
})

/** PeerId of the 32 bytes at `at`. */
export function peerIdOf(bytes: Uint8Array, at = 0): PeerId {
  return textOf(bytes, at) as PeerId
}

/** ChunkAddress of the 32 bytes at `at`. */
export function chunkAddressOf(bytes: Uint8Array, at = 0): ChunkAddress {
  return textOf(bytes, at) as ChunkAddress
}

function textOf(bytes: Uint8Array, at: number): string | undefined {
  return texts.of(bytes, at, Math.min(KEY_BYTES, bytes.length - at))
}

/** Exactly 64 hex digits of either case; anything else throws PROTOCOL_PEER_ID. */
export function parsePeerId(text: string): PeerId {
  if (!/^[0-9a-fA-F]{64}$/.test(text)) {
    throw new ProtocolError('PROTOCOL_PEER_ID', `a peer id is 64 hex digits, got ${JSON.stringify(text.slice(0, 80))}`)
  }
  return text.toLowerCase() as PeerId
}

/** Exactly 64 hex digits of either case; anything else throws PROTOCOL_CHUNK_ADDRESS. */
export function parseChunkAddress(text: string): ChunkAddress {
  if (!/^[0-9a-fA-F]{64}$/.test(text)) {
    throw new ProtocolError(
      'PROTOCOL_CHUNK_ADDRESS',
      `a chunk address is 64 hex digits, got ${JSON.stringify(text.slice(0, 80))}`,
    )
  }
  return text.toLowerCase() as ChunkAddress
}

/** First 16 digits, for logs. */
export function short(text: PeerId | ChunkAddress): string {
  return text.slice(0, 16)
}

export function distance(a: Uint8Array, b: Uint8Array): Key {
  const result = new Uint8Array(KEY_BYTES)
  for (let i = 0; i < KEY_BYTES; i++) result[i] = (a[i] as number) ^ (b[i] as number)
  return result
}

/** Order of `a` and `b` by XOR distance to `target`, big-endian: negative when `a` is nearer. */
export function compareDistance(target: Uint8Array, a: Uint8Array, b: Uint8Array): number {
  for (let i = 0; i < KEY_BYTES; i++) {
    const t = target[i] as number
    const difference = ((a[i] as number) ^ t) - ((b[i] as number) ^ t)
    if (difference !== 0) return difference
  }
  return 0
}

/** Leading zero bits of the XOR, 0..256: the bucket index of `b` in the table of `a`. */
export function commonPrefixLength(a: Uint8Array, b: Uint8Array): number {
  for (let i = 0; i < KEY_BYTES; i++) {
    const x = (a[i] as number) ^ (b[i] as number)
    if (x !== 0) return i * 8 + Math.clz32(x) - 24
  }
  return 256
}
