/** The files of a long run: whether they can be written is known before it begins, and nothing is lost when they cannot. */
import { access, constants, realpath } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { never, systemRandom } from '../base/index.ts'
import { createLocalFiles } from '../client/index.ts'
import { CliError } from './args.ts'
import { explain } from './explain.ts'
import type { Output } from './output.ts'

export class Outputs {
  /** Something could not be written. */
  failed = false
  readonly #files = createLocalFiles({ random: systemRandom })
  readonly #overwrite: boolean
  readonly #output: Output

  constructor(overwrite: boolean, output: Output) {
    this.#overwrite = overwrite
    this.#output = output
  }

  /**
   * `targets` by their flags, `sources` are what is read. Throws CLI_FAILED, CLIENT_EXISTS and CLIENT_TARGET when one
   * cannot be written, or is another one of them.
   */
  async check(targets: Readonly<Record<string, string | undefined>>, sources: readonly string[]): Promise<void> {
    const taken = new Map<string, string>()
    for (const source of sources) taken.set(await placeOf(source), `${source}, which is read`)
    for (const [flag, path] of Object.entries(targets)) {
      if (path === undefined) continue
      const place = await placeOf(path)
      const other = taken.get(place)
      if (other !== undefined) throw new CliError(`${flag} would write over ${other}: name another file`)
      taken.set(place, `the file of ${flag}`)
      await this.#files.refuseExisting(path, { overwrite: this.#overwrite, as: 'file' })
      await access(dirname(place), constants.W_OK).catch((error: unknown) => {
        throw new CliError(`${flag} cannot be written to ${dirname(place)}`, error)
      })
    }
  }

  /** `NAME.ENDING` here; a name that is taken gets `-2`, `-3` … unless it may be overwritten. */
  async freeName(name: string, ending: string): Promise<string> {
    for (let n = 1; ; n++) {
      const candidate = `${name}${n === 1 ? '' : `-${n}`}.${ending}`
      const taken = await access(candidate).then(
        () => true,
        () => false,
      )
      if (this.#overwrite || !taken) return candidate
    }
  }

  /** Tells when it cannot, and does not throw. */
  async save(path: string, text: string): Promise<void> {
    try {
      const bytes = new TextEncoder().encode(text)
      // Written to its end also after Ctrl-C: it is why the run was stopped and not killed.
      await this.#files.writeFile(path, [bytes], { overwrite: this.#overwrite, bytes: bytes.length, signal: never })
    } catch (error) {
      this.failed = true
      this.#output.error(explain(error))
    }
  }
}

/** The same for all names of one file, whether it is there or not yet. */
async function placeOf(path: string): Promise<string> {
  const full = resolve(path)
  const folder = await realpath(dirname(full)).catch(() => dirname(full))
  return realpath(full).catch(() => join(folder, basename(full)))
}
