/** From figures to what an operator wants to know (pure): how many nodes, what limits them, one sentence. */

/** One measured figure; `unknown` says why there is none. */
export type Figure =
  | { readonly kind: 'measured'; readonly value: number; readonly low: number; readonly high: number }
  | { readonly kind: 'unknown'; readonly reason: string }

export interface Figures {
  /** MB/s, 10^6 bytes. */
  readonly encrypt: Figure
  readonly decrypt: Figure
  /** Per second, one thread. */
  readonly sign: Figure
  readonly verify: Figure
  /** Chunks of 4 MiB that reach the disk for good, per second. */
  readonly diskSync: Figure
  /** Copies of chunks stored and chunks served, per second, by all nodes of the run together. */
  readonly stored: Figure
  readonly served: Figure
  /** Memory of one idle node among others, pages of the program that all share counted once. */
  readonly idleBytes: Figure
  /** Share of one core. */
  readonly idleCpu: Figure
  /** Above idle, of the node that grew most under the load of the run. */
  readonly burstBytes: Figure
}

export interface MachineShare {
  readonly memoryBytes: number
  readonly cores: number
  readonly freeDiskBytes: number | undefined
}

/** Some is left for the system and for what else runs there. */
const MEMORY_SHARE = 0.75
/** Idle work of all nodes together: the other half is for serving. */
const CPU_SHARE = 0.5
/** Stated requirement of the network's own node (operations.md). */
const DISK_PER_NODE = 20e9
/** The least that a figure of an idle node's processor share is taken for: a clock tick in half a minute. */
const LEAST_CPU = 0.0005

export type Limit = 'memory' | 'cores' | 'disk'

export interface Capacity {
  /** undefined where an idle node could not be measured. */
  readonly nodes: number | undefined
  readonly by: Readonly<Partial<Record<Limit, number>>>
  readonly limitedBy: Limit | undefined
  /** How each number came about. */
  readonly arithmetic: readonly string[]
}

export function capacityOf(figures: Figures, machine: MachineShare): Capacity {
  const { idleBytes, idleCpu, burstBytes } = figures
  if (idleBytes.kind === 'unknown' || idleCpu.kind === 'unknown') {
    return { nodes: undefined, by: {}, limitedBy: undefined, arithmetic: [] }
  }
  const arithmetic: string[] = []
  const by: Partial<Record<Limit, number>> = {}
  const burst = burstBytes.kind === 'measured' ? burstBytes.value : 0
  const usable = machine.memoryBytes * MEMORY_SHARE - burst
  by.memory = whole(usable / idleBytes.value)
  arithmetic.push(
    `memory: ${mib(machine.memoryBytes)} MiB, of which 75 % for nodes, less ${mib(burst)} MiB for one that is busy, / ${mib(idleBytes.value)} MiB an idle node = ${by.memory}`,
  )
  const cpu = Math.max(LEAST_CPU, idleCpu.value)
  by.cores = whole((machine.cores * CPU_SHARE) / cpu)
  arithmetic.push(
    `cores: ${machine.cores}, of which half may go to waiting, / ${(cpu * 100).toFixed(2)} % of one core an idle node = ${by.cores}`,
  )
  if (machine.freeDiskBytes !== undefined) {
    by.disk = whole(machine.freeDiskBytes / DISK_PER_NODE)
    arithmetic.push(`disk: ${(machine.freeDiskBytes / 1e9).toFixed(0)} GB free / 20 GB a node = ${by.disk}`)
  }
  const [limitedBy, nodes] = (Object.entries(by) as [Limit, number][]).reduce((least, next) =>
    next[1] < least[1] ? next : least,
  )
  return { nodes, by, limitedBy, arithmetic }
}

/** One sentence, of what matters most. */
export function verdictOf(figures: Figures, capacity: Capacity): string {
  const { diskSync, encrypt } = figures
  const sealing = encrypt.kind === 'measured' ? ` and encrypts ${round(encrypt.value)} MB/s` : ''
  const slowDisk =
    diskSync.kind === 'measured' && diskSync.value < SLOW_DISK
      ? `, but its disk keeps only ${round(diskSync.value)} chunks a second for good, which makes puts slow`
      : ''
  const { nodes, limitedBy } = capacity
  if (nodes === undefined) return `This machine works as a client${sealing}${slowDisk}; nodes could not be tried.`
  if (nodes === 0) return `This machine has too little ${limitedBy} for a node${sealing ? `;${sealing.slice(4)}` : ''}.`
  return `This machine can carry about ${nodes} node${nodes === 1 ? '' : 's'} (its ${limitedBy} ${limitedBy === 'cores' ? 'are' : 'is'} what limits it)${sealing}${slowDisk}.`
}

/** A put waits for 4 nodes to sync: below this one put of a chunk takes more than a second on a machine with 4 nodes. */
const SLOW_DISK = 4

/** Middle of the samples, with the least and the largest of them. */
export function figureOf(samples: readonly number[]): Figure {
  if (samples.length === 0) return { kind: 'unknown', reason: 'no sample' }
  const sorted = [...samples].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  const value =
    sorted.length % 2 === 1
      ? (sorted[middle] as number)
      : ((sorted[middle - 1] as number) + (sorted[middle] as number)) / 2
  return { kind: 'measured', value, low: sorted[0] as number, high: sorted.at(-1) as number }
}

/** Samples that differ by more than half of their middle say that something else was running. */
export function isUnsteady(figure: Figure): boolean {
  return figure.kind === 'measured' && figure.high - figure.low > figure.value / 2
}

/** Two digits that matter. */
export function round(value: number): string {
  return value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toPrecision(2)
}

function whole(value: number): number {
  return Math.max(0, Math.floor(value))
}

function mib(bytes: number): string {
  return (bytes / 1024 / 1024).toFixed(0)
}
