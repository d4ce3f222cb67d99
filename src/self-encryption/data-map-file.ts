/** A `.datamap` file of either form: its first byte tells which. We write MessagePack (`encodeDataMap`). */
import { fromUtf8 } from '../base/index.ts'
import type { DataMap } from './data-map.ts'
import { parseDataMapJson } from './data-map-json.ts'
import { decodeDataMap } from './data-map-msgpack.ts'
import { SelfEncryptionError } from './errors.ts'

const OPENING_BRACE = 0x7b

export function parseDataMapFile(bytes: Uint8Array): DataMap {
  if (bytes[0] !== OPENING_BRACE) return decodeDataMap(bytes)
  const text = fromUtf8(bytes)
  if (text === undefined) {
    throw new SelfEncryptionError('SELF_ENCRYPTION_MAP_DECODE', 'JSON data map: the file is not UTF-8 text')
  }
  return parseDataMapJson(text)
}
