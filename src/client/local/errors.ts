/** What the file system says, in this room's codes and in one sentence. */
import { codeOf, messageOf } from '../../base/index.ts'
import { ClientError, type ClientErrorCode, clientError } from '../errors.ts'

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'it does not exist',
  EACCES: 'permission denied',
  EPERM: 'the operation is not permitted',
  ENOTDIR: 'a part of the path is not a folder',
  EISDIR: 'it is a folder',
  ENAMETOOLONG: 'the name is too long for this file system',
  EROFS: 'the file system is read-only',
  EMFILE: 'too many files are open',
  EINVAL: 'the file system does not allow this name',
  EILSEQ: 'the file system does not allow this name',
  ELOOP: 'too many symbolic links',
  EIO: 'the disk reported an error',
}

/** `doing`: "read", "write" and the like. Errors of this room pass through. */
export function localError(error: unknown, doing: string, path: string, otherwise: ClientErrorCode): ClientError {
  if (error instanceof ClientError) return error
  const code = codeOf(error) ?? ''
  const data = { path, code }
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    return clientError(
      'CLIENT_DISK_FULL',
      `cannot ${doing} ${path}: the disk is full, make room and try again`,
      data,
      error,
    )
  }
  if (code === 'EEXIST' || code === 'ENOTEMPTY') return existing(path, error)
  return clientError(otherwise, `cannot ${doing} ${path}: ${REASONS[code] ?? messageOf(error)}`, data, error)
}

export function existing(path: string, cause?: unknown): ClientError {
  return clientError(
    'CLIENT_EXISTS',
    `${path} exists already: choose another name, or allow overwriting (--overwrite)`,
    { path, code: 'EEXIST' },
    cause,
  )
}

/** A folder where a file must go, or the other way round: overwriting would remove too much. */
export function inTheWay(path: string): ClientError {
  const message = `${path} is in the way: a folder never takes the place of a file, nor a file that of a folder`
  return clientError('CLIENT_EXISTS', message, { path, code: 'EEXIST' })
}

/** Runs one step on the disk. */
export async function onDisk<T>(
  doing: string,
  path: string,
  otherwise: ClientErrorCode,
  step: () => Promise<T>,
): Promise<T> {
  try {
    return await step()
  } catch (error) {
    throw localError(error, doing, path, otherwise)
  }
}
