/** One clear sentence for any failure: what happened and what to do. Never a stack trace. */
import { CodedError, codeOf, messageOf } from '../base/index.ts'

const SYSTEM: Readonly<Record<string, string>> = {
  ENOSPC: 'the disk is full: free some space and try again',
  EDQUOT: 'the disk quota is used up: free some space and try again',
  EACCES: 'access is denied: check the permissions',
  EPERM: 'the operation is not permitted: check the permissions',
  EROFS: 'the file system is read-only',
  ENOENT: 'there is no such file or folder',
  EISDIR: 'that is a folder, not a file',
  EEXIST: 'there is something of that name already',
  ENAMETOOLONG: 'the name is too long',
  ELOOP: 'too many symbolic links',
  ENOMEM: 'there is not enough memory',
  ENOTDIR: 'a part of that path is not a folder',
  EMFILE: 'too many files are open: raise the limit (ulimit -n)',
  EIO: 'the disk reported an error',
}

export function explain(error: unknown): string {
  const code = codeOf(error)
  if (error instanceof CodedError) return withCause(error)
  const path = (error as { path?: unknown } | null)?.path
  const known = code === undefined ? undefined : SYSTEM[code]
  if (known !== undefined) return `${typeof path === 'string' ? `${path}: ` : ''}${known}`
  return messageOf(error).split('\n')[0] as string
}

/** A message of ours, with the system's reason unless it tells that already (its data name the code then). */
function withCause(error: CodedError): string {
  const code = codeOf(error.cause)
  const known = code === undefined || error.cause instanceof CodedError ? undefined : SYSTEM[code]
  return known === undefined || error.data['code'] === code ? error.message : `${error.message} (${known})`
}
