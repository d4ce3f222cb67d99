/** What a run leaves nowhere: child processes and folders, gone however it ends. */
import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process'
import { rmSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export class Scope {
  readonly #children = new Set<ChildProcess>()
  readonly #folders = new Set<string>()

  constructor() {
    process.on('exit', () => this.#atExit())
  }

  spawn(program: string, args: readonly string[], options: SpawnOptions): ChildProcess {
    const child = spawn(program, args, options)
    this.#children.add(child)
    child.once('exit', () => this.#children.delete(child))
    child.on('error', () => this.#children.delete(child))
    return child
  }

  /** The pinned Node on one of our scripts; collections can be asked for in it. */
  node(script: string, args: readonly string[], options: SpawnOptions): ChildProcess {
    return this.spawn(process.execPath, ['--expose-gc', join(import.meta.dirname, script), ...args], options)
  }

  async folder(): Promise<string> {
    const path = await mkdtemp(join(tmpdir(), 'myrmex-goals-'))
    this.#folders.add(path)
    return path
  }

  async remove(path: string): Promise<void> {
    await rm(path, { recursive: true, force: true })
    this.#folders.delete(path)
  }

  #atExit(): void {
    for (const child of this.#children) child.kill('SIGKILL')
    for (const path of this.#folders) rmSync(path, { recursive: true, force: true, maxRetries: 3 })
  }
}
