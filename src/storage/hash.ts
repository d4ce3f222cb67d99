/** What a chunk must be before it is stored (pure). */
import { type Bytes, toHex } from '../base/index.ts'
import { type ChunkAddress, MAX_CHUNK_BYTES } from '../protocol/index.ts'
import { StorageError } from './errors.ts'

/** BLAKE3 of chunk content, 32 bytes; may leave the thread. The content is borrowed until it settles. */
export type Hash = (content: Uint8Array) => Bytes | Promise<Bytes>

/** Throws STORAGE_CHUNK_TOO_LARGE or STORAGE_ADDRESS_MISMATCH. Size first: hashing is the costly part. */
export async function verifyContent(hash: Hash, address: ChunkAddress, content: Uint8Array): Promise<void> {
  if (content.length > MAX_CHUNK_BYTES) {
    throw new StorageError(
      'STORAGE_CHUNK_TOO_LARGE',
      `chunk ${address} has ${content.length} bytes, the limit is ${MAX_CHUNK_BYTES}`,
      { data: { size: content.length, limit: MAX_CHUNK_BYTES } },
    )
  }
  const actual = toHex(await hash(content))
  if (actual !== address) {
    throw new StorageError('STORAGE_ADDRESS_MISMATCH', `the content of chunk ${address} has the address ${actual}`, {
      data: { expected: address, actual },
    })
  }
}
