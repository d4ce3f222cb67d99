/**
 * The network's folder. Nothing outside of a folder that was made or found empty here, and marked, is ever written or
 * removed; what was found non-empty and unmarked is refused.
 */
import { mkdir, readdir, readFile, rename, rm, rmdir, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { codeOf } from '../base/index.ts'
import { DevnetError } from './errors.ts'
import type { DevnetManifest } from './manifest.ts'

const STATE_FILE = 'devnet.json'
const MANIFEST_FILE = 'manifest.json'
const MARK = 'myrmex-devnet'

export interface DevnetNodeRecord {
  readonly index: number
  readonly pid: number
  readonly peer_id: string
  readonly address: string
  readonly root_dir: string
}

export interface Supervisor {
  readonly pid: number
  /** Start time of the process, so that a reused number is not taken for it. */
  readonly stamp: string
}

export interface DevnetState {
  readonly mark: typeof MARK
  readonly version: 1
  readonly created_at: string
  /** The folder itself was made by us: it goes when the network goes. */
  readonly made_folder: boolean
  readonly keep: boolean
  /** Process that looks after the nodes in the foreground; null when they stand alone. */
  readonly supervisor: Supervisor | null
  readonly nodes: readonly DevnetNodeRecord[]
}

export class DevnetFolder {
  readonly path: string

  constructor(path: string) {
    this.path = resolve(path)
  }
  get manifestPath(): string {
    return join(this.path, MANIFEST_FILE)
  }
  rootDir(index: number): string {
    return join(this.path, 'nodes', `node-${index}`)
  }
  logPath(index: number): string {
    return join(this.path, 'logs', `node-${index}.log`)
  }

  /** Makes or takes over the folder. Throws DEVNET_FOLDER for a folder with something else in it. */
  async claim(options: { createdAt: string; keep: boolean; supervisor: Supervisor | null }): Promise<DevnetState> {
    const madeFolder = (await mkdir(this.path, { recursive: true, mode: 0o700 })) !== undefined
    const previous = await this.state()
    if (!previous && (await readdir(this.path)).length > 0) {
      throw new DevnetError(
        'DEVNET_FOLDER',
        `${this.path} is not empty and was not made by a local network: choose another folder with --data`,
      )
    }
    const state: DevnetState = {
      mark: MARK,
      version: 1,
      created_at: previous?.created_at ?? options.createdAt,
      made_folder: previous?.made_folder ?? madeFolder,
      keep: options.keep,
      supervisor: options.supervisor,
      nodes: previous?.nodes ?? [],
    }
    await this.saveState(state)
    await mkdir(join(this.path, 'nodes'), { recursive: true })
    await mkdir(join(this.path, 'logs'), { recursive: true })
    return state
  }

  /** undefined when the folder does not exist or carries no mark of ours. */
  async state(): Promise<DevnetState | undefined> {
    try {
      const state = JSON.parse(await readFile(join(this.path, STATE_FILE), 'utf8')) as Partial<DevnetState> | null
      return state?.mark === MARK && Array.isArray(state.nodes) ? (state as DevnetState) : undefined
    } catch (error) {
      if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR' || error instanceof SyntaxError) return undefined
      throw error
    }
  }

  async saveState(state: DevnetState): Promise<void> {
    await this.#write(STATE_FILE, state)
  }

  async saveManifest(manifest: DevnetManifest): Promise<void> {
    await this.#write(MANIFEST_FILE, manifest)
  }

  /** Removes what a network of ours put here, and the folder when we made it. */
  async remove(): Promise<void> {
    const state = await this.state()
    if (!state) return
    for (const name of ['nodes', 'logs', MANIFEST_FILE, STATE_FILE])
      await rm(join(this.path, name), { recursive: true, force: true, maxRetries: 5 })
    if (state.made_folder) await rmdir(this.path).catch(() => undefined)
  }

  async #write(name: string, value: unknown): Promise<void> {
    const path = join(this.path, name)
    await writeFile(`${path}.tmp`, `${JSON.stringify(value, undefined, 2)}\n`, { mode: 0o600 })
    await rename(`${path}.tmp`, path)
  }
}
