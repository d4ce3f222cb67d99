/** --compare: another revision in the same session, or the file of an earlier one. */
import { statSync } from 'node:fs'

export { compareWithReport, readReport } from './file.ts'
export { compareWithRevision } from './revision.ts'

export function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() ?? false
}
