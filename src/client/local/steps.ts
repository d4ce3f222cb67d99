/** Single steps on the disk that files and folders share. */
import { lstat, open, statfs } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { codeOf, type Random, toHex } from '../../base/index.ts'
import { clientError } from '../errors.ts'
import { onDisk } from './errors.ts'

/** A name beside `target` that nobody else takes. */
export function temporaryBeside(target: string, random: Random): string {
  return join(dirname(target), `.myrmex-${process.pid}-${toHex(random.bytes(6))}.tmp`)
}

/** What stands under a name, links not followed. */
export async function kindAt(path: string): Promise<'nothing' | 'file' | 'directory' | 'symlink' | 'other'> {
  try {
    const found = await lstat(path)
    if (found.isFile()) return 'file'
    if (found.isDirectory()) return 'directory'
    return found.isSymbolicLink() ? 'symlink' : 'other'
  } catch (error) {
    if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR') return 'nothing'
    throw error
  }
}

/** Throws CLIENT_DISK_FULL before the first byte rather than after the last; a folder that is not there too. */
export async function ensureSpace(target: string, bytes: number): Promise<void> {
  const folder = dirname(target)
  const { bavail, bsize } = await onDisk('write to', folder, 'CLIENT_TARGET', () => statfs(folder))
  const free = bavail * bsize
  if (bytes <= free) return
  const message = `not enough room in ${folder} for ${basename(target)}: ${bytes} bytes are needed, ${free} are free`
  throw clientError('CLIENT_DISK_FULL', message, { path: target, needed: bytes, free })
}

/** Writes everything to a new file, on the disk when it resolves; errors of the disk name it `shown`. Throws what the content throws as it is. */
export async function writeNew(
  path: string,
  content: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  { signal, mode, shown = path }: { signal: AbortSignal; mode: number | undefined; shown?: string },
): Promise<void> {
  const handle = await onDisk('write', shown, 'CLIENT_TARGET', () =>
    open(path, 'wx', mode === undefined ? 0o666 : 0o600),
  )
  try {
    for await (const part of content) {
      signal.throwIfAborted()
      await onDisk('write', shown, 'CLIENT_TARGET', async () => {
        for (let at = 0; at < part.length; ) at += (await handle.write(part, at, part.length - at)).bytesWritten
      })
    }
    await onDisk('write', shown, 'CLIENT_TARGET', async () => {
      if (mode !== undefined) await handle.chmod(mode)
      await handle.sync()
    })
  } finally {
    await handle.close()
  }
}

/** Makes a rename durable. Systems that cannot open folders keep it in their journal. */
export async function syncFolder(path: string): Promise<void> {
  try {
    const handle = await open(path, 'r')
    try {
      await handle.sync()
    } finally {
      await handle.close()
    }
  } catch (error) {
    if (!['EISDIR', 'EINVAL', 'EPERM', 'EACCES', 'EBADF', 'ENOTSUP'].includes(codeOf(error) ?? '')) throw error
  }
}
