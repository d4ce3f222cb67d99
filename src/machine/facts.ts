/** What a machine gives one process (pure). */
import type { CgroupLimits, Limit } from './cgroup-files.ts'

export interface MachineFacts {
  /** Memory of the machine. */
  readonly memoryBytes: number
  /** Cores that the process may be scheduled on. */
  readonly cores: number
  readonly cgroup: CgroupLimits
  /** Name of a single-board computer. */
  readonly board: string | undefined
  /** RLIMIT_NOFILE. */
  readonly openFiles: number | undefined
  /** RLIMIT_AS; V8 reserves some GiB of addresses that it never touches. */
  readonly addressSpaceBytes: number | undefined
}

/** Memory that this process may fill, and who says so. */
export function memoryOf({ memoryBytes, cgroup }: MachineFacts): Limit {
  return cgroup.memory !== undefined && cgroup.memory.value < memoryBytes
    ? cgroup.memory
    : { value: memoryBytes, file: '' }
}

/** Whole threads that can run at the same time, one at least. A quota of 1.5 cores feeds two threads. */
export function coresOf({ cores, cgroup }: MachineFacts): number {
  const processors = Math.min(cores, cgroup.processors?.value ?? cores)
  return Math.max(1, Math.min(processors, Math.ceil(cgroup.quota?.value ?? processors)))
}
