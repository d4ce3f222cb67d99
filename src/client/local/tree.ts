/**
 * Restores a folder in a temporary one beside the target and moves it into place at the end. Every step looks again
 * that no folder on the way has become a link.
 */
import { chmod, mkdir, readdir, rename, rm, symlink } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Random } from '../../base/index.ts'
import { clientError } from '../errors.ts'
import type { TreeWriter, WriteOptions } from '../local-port.ts'
import { linkFault, pathFault } from '../manifest-paths.ts'
import { existing, inTheWay, onDisk } from './errors.ts'
import { ensureSpace, kindAt, syncFolder, temporaryBeside, writeNew } from './steps.ts'

const PRIVATE = 0o700
const DEFAULT_MODE = 0o755

export async function createTreeWriter(target: string, random: Random, options: WriteOptions): Promise<TreeWriter> {
  // Before the first byte is fetched for it; a merge looks at every name again.
  const kind = await onDisk('write', target, 'CLIENT_TARGET', () => kindAt(target))
  if (kind !== 'nothing' && kind !== 'directory') throw inTheWay(target)
  await ensureSpace(target, options.bytes)
  const temporary = temporaryBeside(target, random)
  await onDisk('write', target, 'CLIENT_TARGET', () => mkdir(temporary, PRIVATE))
  return new DiskTree(target, temporary, options)
}

class DiskTree implements TreeWriter {
  readonly #target: string
  readonly #root: string
  readonly #options: WriteOptions
  /** In the order of creation. */
  readonly #folders: { readonly path: string; readonly mode: number }[] = []
  readonly #others: string[] = []
  #done = false

  constructor(target: string, root: string, options: WriteOptions) {
    this.#target = target
    this.#root = root
    this.#options = options
  }

  async directory(path: string, mode: number): Promise<void> {
    const full = await checked(this.#root, path)
    await onDisk('write', full, 'CLIENT_TARGET', () => mkdir(full, PRIVATE))
    this.#folders.push({ path, mode })
  }

  async file(path: string, mode: number, content: AsyncIterable<Uint8Array>): Promise<void> {
    const shown = join(this.#target, path)
    await writeNew(await checked(this.#root, path), content, { signal: this.#options.signal, mode, shown })
    this.#others.push(path)
  }

  async symlink(path: string, target: string): Promise<void> {
    const fault = linkFault(path, target)
    if (fault !== undefined) throw clientError('CLIENT_UNSAFE_PATH', `the link ${path} is refused: ${fault}`, { path })
    const full = await checked(this.#root, path)
    await onDisk('write', full, 'CLIENT_TARGET', () => symlink(target, full))
    this.#others.push(path)
  }

  async commit(): Promise<void> {
    const { overwrite, mode = DEFAULT_MODE } = this.#options
    await onDisk('write', this.#target, 'CLIENT_TARGET', async () => {
      const kind = await kindAt(this.#target)
      if (kind !== 'nothing' && kind !== 'directory') throw inTheWay(this.#target)
      const merges = kind === 'directory' && (await readdir(this.#target)).length > 0
      if (merges && !overwrite) throw existing(this.#target)
      if (merges) await this.#merge()
      const root = merges ? this.#target : this.#root
      // Deepest first: a folder that may not be written to is closed after what is in it.
      for (const folder of this.#folders.toReversed()) await chmod(`${root}/${folder.path}`, folder.mode)
      await chmod(root, mode)
      if (merges) await this.#remove()
      else await rename(this.#root, this.#target)
      this.#done = true
      await syncFolder(dirname(this.#target))
    })
  }

  async abort(): Promise<void> {
    if (this.#done) return
    this.#done = true
    await onDisk('remove', this.#root, 'CLIENT_TARGET', () => this.#remove())
  }

  /** Into a folder that is there: what it has beside ours stays. Conflicts are found before anything is moved. */
  async #merge(): Promise<void> {
    for (const { path } of this.#folders) {
      if (!['nothing', 'directory'].includes(await kindAt(`${this.#target}/${path}`)))
        throw inTheWay(join(this.#target, path))
    }
    for (const path of this.#others) {
      if ((await kindAt(`${this.#target}/${path}`)) === 'directory') throw inTheWay(join(this.#target, path))
    }
    for (const { path } of this.#folders) {
      const full = await checked(this.#target, path)
      if ((await kindAt(full)) === 'nothing') await mkdir(full, PRIVATE)
    }
    for (const path of this.#others) await rename(`${this.#root}/${path}`, await checked(this.#target, path))
  }

  async #remove(): Promise<void> {
    for (const { path } of this.#folders) await chmod(`${this.#root}/${path}`, PRIVATE).catch(() => undefined)
    await rm(this.#root, { recursive: true, force: true, maxRetries: 3 })
  }
}

/** The full path of an entry below `root`, after a look that every folder on the way is one and no link. */
async function checked(root: string, path: string): Promise<string> {
  // Elsewhere these are letters of a name; there they are separators and drives.
  const foreign = process.platform === 'win32' && /[\\:]/.test(path) ? 'this system has no such names' : undefined
  const fault = pathFault(path) ?? foreign
  if (fault !== undefined) throw clientError('CLIENT_UNSAFE_PATH', `the path ${path} is refused: ${fault}`, { path })
  const names = path.split('/')
  for (let depth = 1; depth < names.length; depth++) {
    const parent = `${root}/${names.slice(0, depth).join('/')}`
    if ((await onDisk('read', parent, 'CLIENT_TARGET', () => kindAt(parent))) === 'directory') continue
    throw clientError('CLIENT_UNSAFE_PATH', `${parent} is no folder any more: nothing is written through it`, { path })
  }
  return `${root}/${path}`
}
