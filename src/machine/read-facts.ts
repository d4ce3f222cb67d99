/** What this machine gives this process: read once, at start. */
import { readFileSync } from 'node:fs'
import { availableParallelism, totalmem } from 'node:os'
import { join } from 'node:path'
import { readCgroupLimits } from './cgroup-files.ts'
import type { MachineFacts } from './facts.ts'
import { boardOf, parseProcessLimit } from './texts.ts'

export interface FactSources {
  /** Stands for `/`. */
  readonly root?: string
  readonly memoryBytes?: number
  readonly cores?: number
}

export function readMachineFacts({ root = '/', memoryBytes, cores }: FactSources = {}): MachineFacts {
  const read = (path: string): string | undefined => {
    try {
      return readFileSync(join(root, path), 'utf8')
    } catch {
      return undefined
    }
  }
  const limits = read('/proc/self/limits')
  return {
    memoryBytes: memoryBytes ?? totalmem(),
    cores: cores ?? availableParallelism(),
    cgroup: readCgroupLimits(root),
    board: boardOf(read('/proc/device-tree/model') ?? read('/sys/firmware/devicetree/base/model')),
    openFiles: parseProcessLimit(limits, 'Max open files'),
    addressSpaceBytes: parseProcessLimit(limits, 'Max address space'),
  }
}
