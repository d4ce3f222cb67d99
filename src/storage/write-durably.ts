/** The one way bytes get a final name: temp file, write, fsync, rename, fsync of the directory (storage.md 4). */
import { join } from 'node:path'
import type { FileSystem, NewFile } from './file-system.ts'

export type WriteOutcome =
  | { readonly kind: 'durable' }
  /** The new bytes stand whole under the name, but a power loss may bring the old state back. */
  | { readonly kind: 'unflushed'; readonly cause: unknown }

/** When it throws, the name holds what it held before and the temp file is removed as far as that works. */
export async function writeDurably(
  fileSystem: FileSystem,
  directory: string,
  names: { readonly temp: string; readonly name: string },
  content: Uint8Array,
  mode?: number,
): Promise<WriteOutcome> {
  const temp = join(directory, names.temp)
  const file = await fileSystem.create(temp, mode)
  try {
    await writeAndClose(file, content)
    await fileSystem.rename(temp, join(directory, names.name))
  } catch (error) {
    await fileSystem.unlink(temp).catch(() => undefined)
    throw error
  }
  try {
    await fileSystem.syncDirectory(directory)
  } catch (cause) {
    return { kind: 'unflushed', cause }
  }
  return { kind: 'durable' }
}

/** Durable bytes when it resolves; the handle is closed in any case. */
export async function writeAndClose(file: NewFile, content: Uint8Array): Promise<void> {
  try {
    await file.write(content)
    await file.sync()
  } catch (error) {
    await file.close().catch(() => undefined)
    throw error
  }
  await file.close()
}
