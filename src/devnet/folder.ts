/**
 * The network's folder. Nothing outside of a folder that was made or found empty here, and marked, is ever written or
 * removed; what was found non-empty and unmarked is refused.
 */
import { appendFile, mkdir, open, readdir, readFile, rename, rm, rmdir, statfs, writeFile } from 'node:fs/promises'
import { dirname, join, resolve, sep } from 'node:path'
import { type Clock, codeOf, messageOf, never, systemClock } from '../base/index.ts'
import { readStatusFile } from '../node/index.ts'
import { DevnetError } from './errors.ts'
import type { DevnetManifest } from './manifest.ts'

const STATE_FILE = 'devnet.json'
const MANIFEST_FILE = 'manifest.json'
/**
 * The uppermost folder that each starter had to make, a line each: they go with the network, once they are empty. Apart
 * from the state, because who made the folder is not always who won it.
 */
const MADE_FILE = 'devnet.made'
/** There for the moment in which one starter looks and takes; a second one waits. */
const CLAIM_FILE = 'devnet.claim'
/** A claim takes milliseconds: one that is still there after this was left by a crash. */
const CLAIM_LIMIT_MS = 3_000
const CLAIM_POLL_MS = 20
const MARK = 'myrmex-devnet'
/** What is there before the mark is. */
const OF_STARTERS: ReadonlySet<string> = new Set([MADE_FILE, CLAIM_FILE, `${STATE_FILE}.tmp`])

const NO_FOLDER: Readonly<Record<string, string>> = {
  EEXIST: 'it is a file',
  ENOTDIR: 'a part of the path is a file',
  EACCES: 'permission denied',
  EROFS: 'the file system is read-only',
  ENOSPC: 'the disk is full',
}

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
  readonly keep: boolean
  /** Process that starts the nodes or looks after them in the foreground; null when they stand alone. */
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

  /**
   * Makes or takes over the folder for `supervisor`. Throws DEVNET_FOLDER for a folder with something else in it, and
   * what `refuse` throws for what is there; of two that come at once the second sees the first.
   */
  async claim(
    options: { createdAt: string; keep: boolean; supervisor: Supervisor | null },
    refuse: (previous: DevnetState) => void = () => undefined,
    clock: Clock = systemClock,
  ): Promise<DevnetState> {
    const made = await this.#make()
    try {
      await this.#refuseForeign()
      return await this.#exclusively(clock, async () => {
        const previous = await this.#refuseForeign()
        if (previous) refuse(previous)
        const state: DevnetState = {
          mark: MARK,
          version: 1,
          created_at: previous?.created_at ?? options.createdAt,
          // Data that were kept once are not lost to a start that forgets to say so again.
          keep: options.keep || previous?.keep === true,
          supervisor: options.supervisor,
          nodes: previous?.nodes ?? [],
        }
        await this.saveState(state)
        await mkdir(join(this.path, 'nodes'), { recursive: true })
        await mkdir(join(this.path, 'logs'), { recursive: true })
        return state
      })
    } catch (error) {
      if (made && !(await this.state())) await this.#removeMade()
      throw error
    }
  }

  /** Whether a folder had to be made. */
  async #make(): Promise<boolean> {
    try {
      const first = await mkdir(this.path, { recursive: true, mode: 0o700 })
      if (first !== undefined) await appendFile(join(this.path, MADE_FILE), `${first}\n`, { mode: 0o600 })
      return first !== undefined
    } catch (error) {
      const code = codeOf(error) ?? ''
      const why = NO_FOLDER[code] ?? messageOf(error)
      const message = `${this.path} cannot be used: ${why}. Choose another folder with --data`
      throw new DevnetError('DEVNET_FOLDER', message, { data: { code }, cause: error })
    }
  }

  async #refuseForeign(): Promise<DevnetState | undefined> {
    const state = await this.state()
    if (!state && (await readdir(this.path)).some((name) => !OF_STARTERS.has(name))) {
      throw new DevnetError(
        'DEVNET_FOLDER',
        `${this.path} is not empty and was not made by a local network: choose another folder with --data`,
      )
    }
    return state
  }

  async #exclusively<T>(clock: Clock, work: () => Promise<T>): Promise<T> {
    const path = join(this.path, CLAIM_FILE)
    for (let waited = 0; ; waited += CLAIM_POLL_MS) {
      try {
        await (await open(path, 'wx', 0o600)).close()
        break
      } catch (error) {
        if (codeOf(error) !== 'EEXIST') throw error
        if (waited >= CLAIM_LIMIT_MS) await rm(path, { force: true })
        await clock.sleep(CLAIM_POLL_MS, never)
      }
    }
    try {
      return await work()
    } finally {
      await rm(path, { force: true })
    }
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

  /** On the disk of the folder, or of the nearest one above that is there; undefined where nobody tells. */
  async freeBytes(): Promise<number | undefined> {
    for (let folder = this.path; ; folder = dirname(folder)) {
      try {
        const { bavail, bsize } = await statfs(folder)
        return bavail * bsize
      } catch (error) {
        if (codeOf(error) !== 'ENOENT' || folder === dirname(folder)) return undefined
      }
    }
  }

  /** Nodes that say themselves that they run here; a starter that died has told nobody of them. */
  async announcedNodes(): Promise<{ pid: number; rootDir: string }[]> {
    const names = await readdir(join(this.path, 'nodes')).catch(() => [])
    const found = names.map(async (name) => {
      const rootDir = join(this.path, 'nodes', name)
      return { rootDir, pid: (await readStatusFile(rootDir))?.pid }
    })
    return (await Promise.all(found)).flatMap(({ pid, rootDir }) => (pid === undefined ? [] : [{ pid, rootDir }]))
  }

  async saveState(state: DevnetState): Promise<void> {
    await this.#write(STATE_FILE, state)
  }

  async saveManifest(manifest: DevnetManifest): Promise<void> {
    await this.#write(MANIFEST_FILE, manifest)
  }

  /** Removes what a network of ours put here, and the folders when we made them. */
  async remove(): Promise<void> {
    const state = await this.state()
    if (!state) return
    for (const name of ['nodes', 'logs', MANIFEST_FILE, STATE_FILE])
      await rm(join(this.path, name), { recursive: true, force: true, maxRetries: 5 })
    await this.#removeMade()
  }

  /** From here upwards to the uppermost that was made for it, empty ones only. */
  async #removeMade(): Promise<void> {
    const file = join(this.path, MADE_FILE)
    const lines = (await readFile(file, 'utf8').catch(() => '')).split('\n')
    await rm(file, { force: true })
    const above = lines.filter((line) => line !== '' && `${this.path}${sep}`.startsWith(`${line}${sep}`))
    if (above.length === 0) return
    const uppermost = Math.min(...above.map((line) => line.length))
    for (let folder = this.path; folder.length >= uppermost; folder = dirname(folder)) {
      const removed = await rmdir(folder).then(
        () => true,
        () => false,
      )
      if (!removed) return
    }
  }

  async #write(name: string, value: unknown): Promise<void> {
    const path = join(this.path, name)
    await writeFile(`${path}.tmp`, `${JSON.stringify(value, undefined, 2)}\n`, { mode: 0o600 })
    await rename(`${path}.tmp`, path)
  }
}
