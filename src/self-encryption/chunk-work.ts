/** Sealing and opening of single chunks: small ones here, large ones on the bulk lane. Errors get this room's codes. */
import { type Bytes, codeOf, messageOf } from '../base/index.ts'
import { type Compute, ownsBuffer } from '../compute/index.ts'
import { backend, type SealedChunk, type SealKeys } from '../crypto/index.ts'
import { keyOf } from '../protocol/index.ts'
import { checkIndexes, type DataMap, entryKeys, levelOf, type PlacedEntry } from './data-map.ts'
import { SelfEncryptionError, type SelfEncryptionErrorCode } from './errors.ts'
import { run as openHere, openTask } from './open.task.ts'
import { run as sealHere, sealTask } from './seal.task.ts'

export interface ChunkWork {
  readonly compute: Compute
  readonly signal: AbortSignal
  readonly inlineBelowBytes: number
}

/** `plain` is moved: not to be used again. */
export async function sealMoving(plain: Bytes, keys: SealKeys, work: ChunkWork): Promise<SealedChunk> {
  if (plain.length < work.inlineBelowBytes) return sealHere({ plain, keys })
  return work.compute.run(sealTask, { plain, keys }, { signal: work.signal, lane: 'bulk', transfer: movable(plain) })
}

/** `content` is moved. Throws ALTERED_CHUNK when it is not what the entry names, and the errors of `decryptChunk`. */
export async function openMoving(
  content: Uint8Array,
  entry: PlacedEntry,
  keys: SealKeys,
  work: ChunkWork,
): Promise<Bytes> {
  const { address, index, size } = entry
  const input = { content, address: keyOf(address), keys, size }
  try {
    const small = Math.max(content.length, size) < work.inlineBelowBytes
    const result = small
      ? openHere(input)
      : await work.compute.run(openTask, input, { signal: work.signal, lane: 'bulk', transfer: movable(content) })
    if (result.kind === 'opened') return result.plain
  } catch (error) {
    throw named(error, index, { address })
  }
  const message = `chunk ${index} was altered: its bytes do not hash to ${address}`
  throw new SelfEncryptionError('SELF_ENCRYPTION_ALTERED_CHUNK', message, { data: { address, index } })
}

/**
 * Opens one chunk of a map with every check but that of its address. Throws INDEX, TOO_FEW_CHUNKS, AUTHENTICATION,
 * SIZE, SOURCE_HASH or COMPRESSION, and the errors of the index check.
 */
export function decryptChunk(map: DataMap, index: number, content: Uint8Array): Bytes {
  const { entries } = checkIndexes(map)
  const keys = entryKeys(entries, index, levelOf(map))
  try {
    return backend().openChunk(content, keys, Number(entries[index]?.size))
  } catch (error) {
    throw named(error, index)
  }
}

const CODES: Readonly<Record<string, SelfEncryptionErrorCode>> = {
  CRYPTO_OPEN_AUTHENTICATION: 'SELF_ENCRYPTION_AUTHENTICATION',
  CRYPTO_OPEN_SIZE: 'SELF_ENCRYPTION_SIZE',
  CRYPTO_OPEN_HASH: 'SELF_ENCRYPTION_SOURCE_HASH',
  CRYPTO_OPEN_COMPRESSION: 'SELF_ENCRYPTION_COMPRESSION',
}

/** Errors come as CryptoErrors from this thread and as plain coded ones from another: only the code tells. */
function named(error: unknown, index: number, data: { readonly address?: string } = {}): unknown {
  const code = CODES[codeOf(error) ?? '']
  if (code === undefined) return error
  const message = `chunk ${index} cannot be opened: ${messageOf(error)}`
  return new SelfEncryptionError(code, message, { data: { ...data, index }, cause: error })
}

function movable(bytes: Uint8Array): ArrayBuffer[] {
  return ownsBuffer(bytes) ? [bytes.buffer] : []
}
