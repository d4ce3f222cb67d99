import { type FileHandle, open, stat } from 'node:fs/promises'
import { codeOf } from '../base/index.ts'
import { CliError } from './args.ts'
import { formatBytes } from './output.ts'

/** The bytes of a regular file of at most `limit`: a device, a pipe or a huge file is refused before it is read. */
export async function readLimited(path: string, limit: number, what: string): Promise<Uint8Array> {
  const found = await stat(path).catch((error: unknown) => {
    if (codeOf(error) === 'ENOENT') throw new CliError(`there is no file ${path}`)
    throw error
  })
  if (found.isDirectory()) throw new CliError(`${path} is a folder, not ${what}`)
  if (!found.isFile()) throw new CliError(`${path} is not a regular file: ${what} is needed`)
  if (found.size > limit)
    throw new CliError(`${path} has ${formatBytes(found.size)}, ${what} has at most ${formatBytes(limit)}`)
  const handle = await open(path, 'r')
  try {
    return await readUpTo(handle, limit)
  } finally {
    await handle.close()
  }
}

/** To the end of an open file, `limit` bytes at most. The bytes are a copy of their own. */
export async function readUpTo(handle: FileHandle, limit: number): Promise<Uint8Array> {
  const parts: Uint8Array[] = []
  let size = 0
  while (size < limit) {
    const part = new Uint8Array(Math.min(1024 * 1024, limit - size))
    const { bytesRead } = await handle.read(part, 0, part.length)
    if (bytesRead === 0) break
    parts.push(part.subarray(0, bytesRead))
    size += bytesRead
  }
  const whole = new Uint8Array(size)
  let at = 0
  for (const part of parts) {
    whole.set(part, at)
    at += part.length
  }
  return whole
}
