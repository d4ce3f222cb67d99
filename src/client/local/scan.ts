/** A folder as a list of entries: links are listed, not followed; what must not be stored is named with the reason. */
import { lstat, readdir, readlink, stat } from 'node:fs/promises'
import { compare, fromUtf8, utf8 } from '../../base/index.ts'
import { clientError } from '../errors.ts'
import type { Skipped, Tree, TreeEntry } from '../local-port.ts'
import { MAX_MANIFEST_ENTRIES } from '../manifest.ts'
import { linkFault, pathFault } from '../manifest-paths.ts'
import { onDisk } from './errors.ts'

const MODE_BITS = 0o777

export async function scanTree(
  root: string,
  { signal, onEntry }: { signal: AbortSignal; onEntry?: (count: number) => void },
): Promise<Tree> {
  const top = await onDisk('read', root, 'CLIENT_SOURCE', () => stat(root))
  if (!top.isDirectory()) {
    throw clientError('CLIENT_SOURCE', `cannot read ${root} as a folder: it is none`, { path: root })
  }
  const entries: TreeEntry[] = []
  const skipped: Skipped[] = []
  const folders = ['']
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
    signal.throwIfAborted()
    const prefix = folder === '' ? '' : `${folder}/`
    const below = prefix === '' ? root : `${root}/${folder}`
    for (const raw of await onDisk('read', below, 'CLIENT_SOURCE', () => readdir(below, { encoding: 'buffer' }))) {
      const name = fromUtf8(raw)
      const path = `${prefix}${name ?? raw.toString('latin1')}`
      const fault = name === undefined ? 'its name is not UTF-8' : pathFault(path)
      const found = fault ?? (await readEntry(root, path))
      if (typeof found === 'string') skipped.push({ path, reason: found })
      else {
        entries.push(found)
        if (found.kind === 'directory') folders.push(path)
      }
      if (entries.length > MAX_MANIFEST_ENTRIES) throw tooMany(root)
    }
    onEntry?.(entries.length)
  }
  return { mode: top.mode & MODE_BITS, entries: byPath(entries), skipped: byPath(skipped) }
}

/** The entry, or why there is none. */
async function readEntry(root: string, path: string): Promise<TreeEntry | string> {
  const full = `${root}/${path}`
  const found = await onDisk('read', full, 'CLIENT_SOURCE', () => lstat(full))
  const mode = found.mode & MODE_BITS
  if (found.isDirectory()) return { path, mode, kind: 'directory' }
  if (found.isFile()) return { path, mode, kind: 'file', size: found.size }
  if (!found.isSymbolicLink()) return 'it is neither a file nor a folder nor a link'
  const raw = await onDisk('read', full, 'CLIENT_SOURCE', () => readlink(full, { encoding: 'buffer' }))
  const target = fromUtf8(raw)
  const fault = target === undefined ? 'its target is not UTF-8' : linkFault(path, target)
  return fault ?? { path, mode, kind: 'symlink', target: target as string }
}

function byPath<T extends { readonly path: string }>(entries: readonly T[]): T[] {
  return entries
    .map((entry) => ({ entry, key: utf8(entry.path) }))
    .sort((a, b) => compare(a.key, b.key))
    .map(({ entry }) => entry)
}

function tooMany(root: string): Error {
  const message = `${root} holds more than ${MAX_MANIFEST_ENTRIES} entries: upload it in parts`
  return clientError('CLIENT_SOURCE', message, { path: root, limit: MAX_MANIFEST_ENTRIES })
}
