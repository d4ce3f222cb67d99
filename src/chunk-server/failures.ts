/** What a peer is told about our own failures: the kind, never paths or system texts (pure). */
import { CodedError, codeOf, messageOf } from '../base/index.ts'
import type { ChunkProtocolError } from '../protocol/index.ts'
import type { DiskState } from '../storage/index.ts'

/** A disk that is full is told in full: stock clients know the text. */
export function storageFailure(error: unknown, what: string): ChunkProtocolError {
  return { kind: 'storageFailed', message: isFull(error) ? messageOf(error) : `${what}${reason(error)}` }
}

/** A store that takes no chunks, before any work is done for one of this size. */
export function noRoomFailure(disk: DiskState, sizeBytes: number): ChunkProtocolError {
  const full = `Insufficient disk space: ${sizeBytes} bytes do not fit`
  const other = `the node takes no chunks now, its disk is not writable (${disk})`
  return { kind: 'storageFailed', message: disk === 'full' || disk === 'writable' ? full : other }
}

/** A chunk that is held but cannot be compared or mended. */
export function heldFailure(error: unknown): ChunkProtocolError {
  if (isFull(error)) return storageFailure(error, '')
  return { kind: 'internal', message: `the stored chunk cannot be read${reason(error)}` }
}

/** Errors of payment and quoting are written for the asker. */
export function spoken(error: unknown): string {
  return error instanceof CodedError ? error.message : `failed: ${messageOf(error)}`
}

function reason(error: unknown): string {
  return error instanceof CodedError ? ` (${error.code})` : ''
}

function isFull(error: unknown): boolean {
  return codeOf(error) === 'STORAGE_FULL'
}
