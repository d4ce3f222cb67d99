/** Worker task: one signature made or checked on the backend of that thread. */
import type { Bytes } from '../base/index.ts'
import { type MlDsaTaskInput, runMlDsa } from './ml-dsa-run.ts'
import { backend } from './select.ts'

export function run(input: MlDsaTaskInput): Bytes | boolean {
  return runMlDsa(input, backend())
}
