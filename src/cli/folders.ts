import { mkdir, rmdir } from 'node:fs/promises'
import { dirname } from 'node:path'
import { codeOf } from '../base/index.ts'
import { CliError } from './args.ts'
import { explain } from './explain.ts'

/** Makes what is missing of a path. The uppermost folder that was made, if any. */
export async function makeFolder(path: string): Promise<string | undefined> {
  try {
    return await mkdir(path, { recursive: true })
  } catch (error) {
    // A recursive mkdir reports what stands in its way badly (ENOENT on a read-only disk); a plain one names it.
    const plain = await mkdir(path).catch((reason: unknown) => reason)
    const cause = plain instanceof Error && codeOf(plain) !== 'ENOENT' ? plain : error
    const why = codeOf(cause) === 'EEXIST' ? 'it is a file' : explain(cause).replace(`${path}: `, '')
    throw new CliError(`the folder ${path} cannot be made: ${why}`)
  }
}

/** Removes a folder and those above it up to `first`, empty ones only. */
export async function removeEmpty(path: string, first: string): Promise<void> {
  for (let folder = path; ; folder = dirname(folder)) {
    const removed = await rmdir(folder).then(
      () => true,
      () => false,
    )
    if (!removed || folder === first || folder === dirname(folder)) return
  }
}
