/** Data map in bincode 1.3, little-endian, fixed width: the form that shrinking encrypts (self-encryption.md 9). */
import type { Bytes } from '../base/index.ts'
import { chunkAddressOf, keyOf } from '../protocol/index.ts'
import { type DataMap, type DataMapEntry, toU64 } from './data-map.ts'
import { SelfEncryptionError } from './errors.ts'

const VERSION = 1
const HEAD_BYTES = 9
const ENTRY_BYTES = 80

/** Bytes of the encoded map: 10 + 80 n, or 18 + 80 n for a child map. */
export function bincodeSize(entryCount: number, isChild: boolean): number {
  return HEAD_BYTES + ENTRY_BYTES * entryCount + (isChild ? 9 : 1)
}

export function encodeBincode({ entries, child }: DataMap): Bytes {
  const bytes = new Uint8Array(bincodeSize(entries.length, child !== null))
  const view = new DataView(bytes.buffer)
  bytes[0] = VERSION
  view.setBigUint64(1, BigInt(entries.length), true)
  let at = HEAD_BYTES
  for (const { index, address, source, size } of entries) {
    view.setBigUint64(at, BigInt(index), true)
    bytes.set(keyOf(address), at + 8)
    bytes.set(source, at + 40)
    view.setBigUint64(at + 72, BigInt(size), true)
    at += ENTRY_BYTES
  }
  if (child !== null) {
    bytes[at] = 1
    view.setBigUint64(at + 1, BigInt(child), true)
  }
  return bytes
}

/** Trailing bytes are ignored, as the network's readers do. */
export function decodeBincode(bytes: Uint8Array): DataMap {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const need = (length: number) => {
    if (bytes.length < length) throw damaged(`${bytes.length} bytes where at least ${length} are needed`)
  }
  need(1)
  if (bytes[0] !== VERSION) {
    const message = `unsupported data map version ${bytes[0]}: only ${VERSION} is known`
    throw new SelfEncryptionError('SELF_ENCRYPTION_MAP_VERSION', message)
  }
  need(HEAD_BYTES)
  const count = view.getBigUint64(1, true)
  if (count > BigInt(bytes.length)) throw damaged(`${count} entries claimed by ${bytes.length} bytes`)
  const end = HEAD_BYTES + ENTRY_BYTES * Number(count)
  need(end + 1)
  const entries: DataMapEntry[] = []
  for (let at = HEAD_BYTES; at < end; at += ENTRY_BYTES) {
    entries.push({
      index: toU64(view.getBigUint64(at, true)),
      address: chunkAddressOf(bytes.subarray(at + 8, at + 40)),
      source: Uint8Array.from(bytes.subarray(at + 40, at + 72)),
      size: toU64(view.getBigUint64(at + 72, true)),
    })
  }
  const flag = bytes[end]
  if (flag === 0) return { entries, child: null }
  if (flag !== 1) throw damaged(`0x${flag?.toString(16)} is no option tag`)
  need(end + 9)
  return { entries, child: toU64(view.getBigUint64(end + 1, true)) }
}

function damaged(message: string): SelfEncryptionError {
  return new SelfEncryptionError('SELF_ENCRYPTION_MAP_DECODE', `bincode data map: ${message}`)
}
