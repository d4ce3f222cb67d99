/** Where the scrubber is (pure): a small JSON file, so that a restart goes on instead of beginning again. */
import { fromUtf8, utf8 } from '../base/index.ts'
import { type ChunkAddress, parseChunkAddress } from '../protocol/index.ts'
import { StorageError } from './errors.ts'

export const CURSOR_FILE = 'scrub_cursor.json'
export const CURSOR_MAX_BYTES = 1024

export interface ScrubCursor {
  /** Last address that was read in this round; undefined: the round begins. */
  readonly after: ChunkAddress | undefined
  /** Unix ms at which the round began. */
  readonly roundStartedAt: number
}

export function encodeCursor({ after, roundStartedAt }: ScrubCursor): Uint8Array {
  return utf8(`${JSON.stringify({ version: 1, after: after ?? null, round_started_at: roundStartedAt })}\n`)
}

/** Throws STORAGE_BAD_FILE. */
export function decodeCursor(bytes: Uint8Array): ScrubCursor {
  try {
    const { version, after, round_started_at: at } = JSON.parse(fromUtf8(bytes) ?? '') as Record<string, unknown>
    if (version === 1 && Number.isSafeInteger(at) && (after === null || typeof after === 'string')) {
      return { after: after === null ? undefined : parseChunkAddress(after), roundStartedAt: at as number }
    }
  } catch (cause) {
    throw new StorageError('STORAGE_BAD_FILE', `${CURSOR_FILE} is not used: it is no cursor`, { cause })
  }
  throw new StorageError('STORAGE_BAD_FILE', `${CURSOR_FILE} is not used: its fields make no sense`)
}
