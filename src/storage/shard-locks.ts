/** One writer a shard, and a door that closes when the store stops (pure). */
import { never, Semaphore, SemaphoreFull } from '../base/index.ts'
import type { ChunkAddress } from '../protocol/index.ts'
import { StorageError } from './errors.ts'

export class ShardLocks {
  readonly #maxWaiting: number
  readonly #shards: (Semaphore | undefined)[]
  readonly #running = new Set<Promise<unknown>>()
  #open = false

  constructor(shards: number, maxWaiting: number) {
    this.#maxWaiting = maxWaiting
    this.#shards = new Array(shards)
  }

  open(): void {
    this.#open = true
  }

  /** Refuses what comes from now on and waits for what runs or waits already. */
  async close(): Promise<void> {
    this.#open = false
    while (this.#running.size > 0) await Promise.allSettled(this.#running)
  }

  /** Runs `work` alone on the shard of the address. Throws STORAGE_CLOSED, STORAGE_BUSY or what `work` throws. */
  async run<T>(address: ChunkAddress, work: () => Promise<T>): Promise<T> {
    if (!this.#open) throw new StorageError('STORAGE_CLOSED', 'the chunk folder is not open')
    const run = this.#semaphore(address).run(never, work)
    this.#running.add(run)
    try {
      return await run
    } catch (error) {
      if (!(error instanceof SemaphoreFull)) throw error
      const message = `more than ${this.#maxWaiting} operations wait for the shard of ${address}`
      throw new StorageError('STORAGE_BUSY', message, { cause: error })
    } finally {
      this.#running.delete(run)
    }
  }

  #semaphore(address: ChunkAddress): Semaphore {
    const shard = Number.parseInt(address.slice(-2), 16)
    return (this.#shards[shard] ??= new Semaphore(1, this.#maxWaiting))
  }
}
