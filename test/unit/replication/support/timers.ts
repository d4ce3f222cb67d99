/** The part of storage's OutOfRangeTimers that pruning calls, without its files and limits. */
import type { ChunkAddress } from '../../../../src/protocol/index.ts'
import type { OutOfRange } from '../../../../src/replication/prune/prune-records.ts'

export class Timers implements OutOfRange {
  readonly #since = new Map<string, number>()

  running(kind: 'record' | 'paid', key: ChunkAddress): boolean {
    return this.#since.has(kind + key)
  }
  out(kind: 'record' | 'paid', key: ChunkAddress, now: number): number {
    const since = this.#since.get(kind + key) ?? now
    this.#since.set(kind + key, since)
    return now - since
  }
  clear(kind: 'record' | 'paid', key: ChunkAddress): void {
    this.#since.delete(kind + key)
  }
}
