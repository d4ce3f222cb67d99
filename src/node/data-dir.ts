/** Where a node lives on disk (operations.md 5, storage.md 2). */
import { access, constants, mkdir, readdir } from 'node:fs/promises'
import { homedir, platform } from 'node:os'
import { join, resolve } from 'node:path'
import { codeOf, messageOf } from '../base/index.ts'
import { NodeError } from './errors.ts'
import { IDENTITY_FILE } from './identity-file.ts'

/** The platform's data folder of an application. */
export function platformDataDir(app: string, env: NodeJS.ProcessEnv = process.env): string {
  if (platform() === 'win32') return join(env['APPDATA'] ?? join(homedir(), 'AppData', 'Roaming'), app)
  if (platform() === 'darwin') return join(homedir(), 'Library', 'Application Support', app)
  return join(env['XDG_DATA_HOME'] || join(homedir(), '.local', 'share'), app)
}

/**
 * Folder of the node, made when missing. Without one given, `nodes/` of the platform's folder is looked through:
 * no identity there makes a new folder, one is taken, several need `--root-dir`.
 */
export async function openRootDir(given: string | undefined): Promise<string> {
  if (given !== undefined) return usable(resolve(given))
  const nodes = join(platformDataDir('ant'), 'nodes')
  const found: string[] = []
  for (const name of await readdir(nodes).catch(() => [])) {
    const exists = await access(join(nodes, name, IDENTITY_FILE)).then(
      () => true,
      () => false,
    )
    if (exists) found.push(join(nodes, name))
  }
  if (found.length > 1) {
    throw new NodeError(
      'NODE_IDENTITY_AMBIGUOUS',
      `${nodes} holds ${found.length} nodes: choose one with --root-dir, for example --root-dir '${found[0]}'`,
    )
  }
  return usable(found[0] ?? join(nodes, 'myrmex-1'))
}

const REASONS: Readonly<Record<string, string>> = {
  EEXIST: 'it is a file',
  ENOTDIR: 'a part of the path is a file',
  EACCES: 'permission denied',
  EROFS: 'the file system is read-only',
  ENOSPC: 'the disk is full',
}

async function usable(folder: string): Promise<string> {
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 })
    await access(folder, constants.R_OK | constants.W_OK | constants.X_OK)
    return folder
  } catch (error) {
    const code = codeOf(error) ?? ''
    throw new NodeError(
      'NODE_ROOT_UNUSABLE',
      `the folder ${folder} cannot be used: ${REASONS[code] ?? messageOf(error)}. Choose another with --root-dir`,
      { data: { code }, cause: error },
    )
  }
}
