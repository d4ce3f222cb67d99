import { join } from 'node:path'

/** Program and arguments that run this command line again, from a checkout or from the package. */
export function selfProgram(): readonly string[] {
  const extension = import.meta.filename.endsWith('.ts') ? 'ts' : 'js'
  return [process.execPath, ...process.execArgv, join(import.meta.dirname, `main.${extension}`)]
}
