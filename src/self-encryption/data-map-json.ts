/** Data map as JSON text: older `.datamap` files and graphical clients (self-encryption.md 11). */
import { type Bytes, fromHex, messageOf, toHex } from '../base/index.ts'
import { chunkAddressOf } from '../protocol/index.ts'
import { type DataMap, type DataMapEntry, toU64, type U64 } from './data-map.ts'
import { SelfEncryptionError } from './errors.ts'

const U64_END = 2n ** 64n

/** Field order and spacing as the network's writer has them. */
export function formatDataMapJson({ entries, child }: DataMap): string {
  const chunks = entries.map(
    ({ index, address, source, size }) =>
      `{"index":${index},"dst_hash":"${address}","src_hash":"${toHex(source)}","src_size":${size}}`,
  )
  return `{"chunk_identifiers":[${chunks.join(',')}],"child":${child}}`
}

export function parseDataMapJson(text: string): DataMap {
  const { chunk_identifiers: list, child } = record<'chunk_identifiers' | 'child'>(parse(text), 'the document')
  if (!Array.isArray(list)) throw damaged('chunk_identifiers is missing or no list')
  return { entries: list.map(entry), child: child === undefined || child === null ? null : u64(child, 'child') }
}

function entry(value: unknown, position: number): DataMapEntry {
  const fields = record<'index' | 'dst_hash' | 'src_hash' | 'src_size'>(value, `entry ${position}`)
  const name = (field: string) => `${field} of entry ${position}`
  return {
    index: u64(fields.index, name('index')),
    address: chunkAddressOf(hash(fields.dst_hash, name('dst_hash'))),
    source: hash(fields.src_hash, name('src_hash')),
    size: u64(fields.src_size, name('src_size')),
  }
}

/** Whole numbers arrive as bigints, from the digits of the text: a double would round them above 2^53. */
function parse(text: string): unknown {
  const exact = (_key: string, value: unknown, context?: { readonly source?: string }) =>
    typeof value === 'number' && /^\d+$/.test(context?.source ?? '') ? BigInt(context?.source as string) : value
  try {
    return JSON.parse(text, exact)
  } catch (cause) {
    throw damaged(messageOf(cause), cause)
  }
}

function record<Field extends string>(value: unknown, what: string): Readonly<Partial<Record<Field, unknown>>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw damaged(`${what} is no object`)
  return value as Partial<Record<Field, unknown>>
}

function u64(value: unknown, what: string): U64 {
  if (typeof value !== 'bigint' || value >= U64_END) throw damaged(`${what} is no unsigned 64-bit integer`)
  return toU64(value)
}

function hash(value: unknown, what: string): Bytes {
  const bytes = typeof value === 'string' && value.length === 64 ? fromHex(value) : undefined
  if (bytes === undefined) throw damaged(`${what} is not 64 hex digits`)
  return bytes
}

function damaged(message: string, cause?: unknown): SelfEncryptionError {
  return new SelfEncryptionError('SELF_ENCRYPTION_MAP_DECODE', `JSON data map: ${message}`, { cause })
}
