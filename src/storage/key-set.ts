/** The addon's set of keys on disk (native/addon/shell/keys.cc), and what its status numbers mean. */
import { getSystemErrorName } from 'node:util'
import { StorageError } from './errors.ts'

/** Keys have 32 bytes and lie one after the other. Everything throws errors with a `status`. */
export interface KeySet {
  has(key: Uint8Array): boolean
  count(): number
  /** Fills `out` with keys after `after` (empty: from the first); how many. */
  page(after: Uint8Array, out: Uint8Array): number
  /** One byte a key: 1 where it was not there. Durable when it resolves. */
  insert(keys: Uint8Array): Promise<Uint8Array>
  /** One byte a key: 1 where it was there. Durable when it resolves. */
  remove(keys: Uint8Array): Promise<Uint8Array>
  /** The files are closed when the last running change has ended. */
  close(): void
}

/** Opens or makes the environment in a folder that is there. */
export type KeySetClass = new (path: Uint8Array, mapBytes: number) => KeySet

/** Numbers of native/keys/src/c_abi.rs; positive ones are the system's. */
const STATUS = { full: -1, corrupt: -2, open: -3 } as const

export function statusOf(error: unknown): number | undefined {
  const status = (error as { status?: unknown } | undefined)?.status
  return typeof status === 'number' ? status : undefined
}

/** All pages of the map are used. The disk may have room, and the environment works on. */
export function isMapFull(error: unknown): boolean {
  return statusOf(error) === STATUS.full
}

export function errorOfStatus(
  status: number,
  { doing, folder, mapBytes }: { readonly doing: string; readonly folder: string; readonly mapBytes: number },
): StorageError {
  switch (status) {
    case STATUS.full:
      return new StorageError(
        'STORAGE_FULL',
        `the paid list ${folder} is full: its map of ${mapBytes} bytes is used up`,
      )
    case STATUS.corrupt:
      return new StorageError('STORAGE_LAYOUT', `${folder} holds no paid list that can be opened, or a damaged one`)
    case STATUS.open:
      return new StorageError('STORAGE_LOCKED', `the paid list ${folder} is open in this process already`)
  }
  const code = status > 0 ? systemName(status) : `status ${status}`
  const cause = Object.assign(new Error(code), { code })
  const full = code === 'ENOSPC' || code === 'EDQUOT'
  const message = `${doing} the paid list ${folder} failed: ${code}`
  return new StorageError(full ? 'STORAGE_FULL' : 'STORAGE_IO', message, { cause })
}

function systemName(status: number): string {
  try {
    return getSystemErrorName(-status)
  } catch {
    return `error ${status}`
  }
}
