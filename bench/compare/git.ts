/** Revisions by name, and what stands before the one at hand. */
import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { UsageError } from '../arguments.ts'

export const ROOT = join(import.meta.dirname, '../..')

/** What git says, or undefined when it refuses or is not there. */
export function git(...args: string[]): string | undefined {
  try {
    return execFileSync('git', args, { cwd: ROOT, stdio: ['ignore', 'pipe', 'ignore'], encoding: 'utf8' }).trim()
  } catch {
    return undefined
  }
}

/** Full hash of the commit that a name stands for; throws a UsageError that also says so when history was cut. */
export function commitOf(revision: string): string {
  const commit = git('rev-parse', '--verify', '--quiet', `${revision}^{commit}`)
  if (commit) return commit
  const cut = git('rev-parse', '--is-shallow-repository') === 'true' ? ' (this clone has no history before it)' : ''
  throw new UsageError(`--compare ${revision}: there is neither a file nor a revision of this name${cut}`)
}

/**
 * What a change is to be held against: where a branch left main, and on main itself the commit before this one.
 * Undefined in a clone without history.
 */
export function previousCommit(): string | undefined {
  const head = git('rev-parse', '--verify', '--quiet', 'HEAD^{commit}')
  if (!head) return undefined
  const base = git('merge-base', 'HEAD', 'origin/main') ?? git('merge-base', 'HEAD', 'main')
  if (base && base !== head) return base
  return git('rev-parse', '--verify', '--quiet', 'HEAD~1^{commit}') || undefined
}
