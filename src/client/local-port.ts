/** The local file system as the client needs it; `local-files.ts` is the driver. Errors are ClientErrors. */
import type { ByteSource } from '../self-encryption/index.ts'

export interface SourceFile extends ByteSource {
  /** Throws CLIENT_SOURCE_CHANGED when the file is not what it was when it was opened. */
  verifyUnchanged(): Promise<void>
  close(): Promise<void>
}

export type TreeEntry = {
  /** Relative, `/` between names. */
  readonly path: string
  /** Permission bits. */
  readonly mode: number
} & (
  | { readonly kind: 'directory' }
  | { readonly kind: 'file'; readonly size: number }
  | { readonly kind: 'symlink'; readonly target: string }
)

/** What was left out of an upload, and why. */
export interface Skipped {
  readonly path: string
  readonly reason: string
}

export interface Tree {
  readonly mode: number
  /** In the byte order of their paths. */
  readonly entries: readonly TreeEntry[]
  readonly skipped: readonly Skipped[]
}

/** A folder that is being restored: invisible until `commit`. Paths are relative and checked. */
export interface TreeWriter {
  directory(path: string, mode: number): Promise<void>
  file(path: string, mode: number, content: AsyncIterable<Uint8Array>): Promise<void>
  symlink(path: string, target: string): Promise<void>
  commit(): Promise<void>
  /** Leaves nothing behind; after `commit` it does nothing. */
  abort(): Promise<void>
}

export interface WriteOptions {
  readonly overwrite: boolean
  /** Bytes that will be written: checked against the free space first. */
  readonly bytes: number
  readonly signal: AbortSignal
  /** Permission bits of a new file; the process's default otherwise. */
  readonly mode?: number
}

export interface LocalFiles {
  kindOf(path: string): Promise<'file' | 'directory'>
  openFile(path: string): Promise<SourceFile>
  /** Links are listed, not followed; what must not be stored is listed in `skipped`. */
  scan(path: string, options: { signal: AbortSignal; onEntry?: (count: number) => void }): Promise<Tree>
  /**
   * Throws CLIENT_EXISTS when something is there that would have to be overwritten, or a folder where a file must go;
   * CLIENT_TARGET when the folder above is not there.
   */
  refuseExisting(path: string, options: { overwrite: boolean; as?: 'file' }): Promise<void>
  /** All or nothing: a temporary file beside the target takes its place at the end. */
  writeFile(
    path: string,
    content: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
    options: WriteOptions,
  ): Promise<void>
  createTree(path: string, options: WriteOptions): Promise<TreeWriter>
}
