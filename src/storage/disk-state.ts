/** What the disk can do, as its errors tell (pure). */
import { CodedError, codeOf } from '../base/index.ts'

/**
 * `full`: no room for a chunk above the reserve. `readOnly`: reads work, writes are forbidden. `failing`: input and
 * output errors. `gone`: the folder is not there any more. Reads are tried in every state; only `writable`, and `full`
 * for what still fits, take writes.
 */
export type DiskState = 'writable' | 'full' | 'readOnly' | 'failing' | 'gone'

export const DISK_STATES: readonly DiskState[] = ['writable', 'full', 'readOnly', 'failing', 'gone']

const CODES: Readonly<Record<string, DiskState>> = {
  ...{ ENOSPC: 'full', EDQUOT: 'full' },
  ...{ EROFS: 'readOnly', EACCES: 'readOnly', EPERM: 'readOnly' },
  ...{ EIO: 'failing', EUCLEAN: 'failing', ETIMEDOUT: 'failing' },
  ...{ ENODEV: 'gone', ENXIO: 'gone', ESTALE: 'gone', ENOTCONN: 'gone', ESHUTDOWN: 'gone' },
}

/** The state an error speaks of. undefined: it says nothing of the disk as a whole, as ENOENT, EEXIST or EMFILE. */
export function stateOfError(error: unknown): DiskState | undefined {
  return CODES[systemCodeOf(error) ?? '']
}

/** The operating system's code, below errors of our own. */
export function systemCodeOf(error: unknown): string | undefined {
  let found = error
  for (let depth = 0; depth < 4 && found instanceof CodedError; depth++) found = found.cause
  return codeOf(found)
}

/** One sentence for people, without the folder. */
export function sentenceOf(state: DiskState): string {
  switch (state) {
    case 'writable':
      return 'the disk takes chunks'
    case 'full':
      return 'the disk is full: free some space or lower the reserve; chunks that are held are still served'
    case 'readOnly':
      return 'the disk cannot be written: it is mounted read-only or the permissions changed; chunks are still served'
    case 'failing':
      return 'the disk answers with errors: look at its cable and health; what can be read is still served'
    case 'gone':
      return 'the chunk folder is gone: is the disk still mounted? Nothing is written elsewhere in its place'
  }
}
