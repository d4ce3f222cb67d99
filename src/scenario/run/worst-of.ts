/** What is wrong with a disk that several faults have struck at once (pure). */
import type { DiskFault } from '../scenario.ts'

export interface Broken {
  readonly failing: 'nothing' | 'reads' | 'writes' | 'everything'
  readonly readOnly: boolean
  readonly unplugged: boolean
}

/** Nothing, when there are none. */
export function worstOf(faults: readonly DiskFault[]): Broken {
  const has = (fault: DiskFault) => faults.includes(fault)
  const [reads, writes] = [has('reads'), has('writes')]
  const failing =
    has('everything') || (reads && writes) ? 'everything' : reads ? 'reads' : writes ? 'writes' : 'nothing'
  return { failing, readOnly: has('read-only'), unplugged: has('unplugged') }
}
