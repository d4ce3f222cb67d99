/** Names and layout file of a chunk folder (pure): `chunks/<last byte of the address>/<64 hex>`, storage.md 3. */
import { fromUtf8, KiB, utf8 } from '../base/index.ts'
import type { ChunkAddress } from '../protocol/index.ts'

export const LAYOUT_FILE = 'layout.json'
export const LOCK_FILE = '.lock'
export const LAYOUT_MAX_BYTES = 64 * KiB
export const SHARDS = 256

const LAYOUT = { schema: 1, scheme: 'suffix-hex', shard_chars: 2, depth: 1, name_encoding: 'lower-hex' } as const
const TEMP_PREFIX = '.tmp.'

export function encodeLayout(): Uint8Array {
  return utf8(JSON.stringify(LAYOUT, null, 2))
}

/** Why a folder with this layout file must not be opened; undefined when it may. */
export function layoutFault(bytes: Uint8Array): string | undefined {
  let found: unknown
  try {
    found = JSON.parse(fromUtf8(bytes) ?? '')
  } catch {
    return 'it is no JSON'
  }
  if (typeof found !== 'object' || found === null || Array.isArray(found)) return 'it is no JSON object'
  const { schema } = found as { schema?: unknown }
  if (typeof schema === 'number' && schema > LAYOUT.schema) return `its schema ${schema} is newer than ${LAYOUT.schema}`
  for (const name of new Set([...Object.keys(LAYOUT), ...Object.keys(found)])) {
    const value = (found as Record<string, unknown>)[name]
    if (value !== (LAYOUT as Record<string, unknown>)[name]) {
      return `its field ${JSON.stringify(name.slice(0, 40))} has another value`
    }
  }
  return undefined
}

/** Shards go by the last byte: the keys of one node share their leading bits. */
export function shardOf(address: ChunkAddress): string {
  return address.slice(-2)
}

/** `.tmp.<pid>.<8 hex nonce>.<sequence>` */
export function tempName(processId: number, nonce: string, sequence: number): string {
  return `${TEMP_PREFIX}${processId}.${nonce}.${sequence}`
}

export type NameKind = 'temp' | 'shard' | 'chunk' | 'upperCase' | 'other'

export function nameKind(name: string): NameKind {
  if (name.startsWith(TEMP_PREFIX)) return 'temp'
  if (/^[0-9a-f]{2}$/.test(name)) return 'shard'
  if (/^[0-9a-f]{64}$/.test(name)) return 'chunk'
  if (/^[0-9a-fA-F]{64}$/.test(name)) return 'upperCase'
  return 'other'
}
