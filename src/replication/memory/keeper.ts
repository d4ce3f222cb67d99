/** Keeps over restarts what the engine knows of others and owes (`memory-codec.ts`); a bad file means: nothing is known. */
import { messageOf, wallAhead } from '../../base/index.ts'
import { backend } from '../../crypto/index.ts'
import type { ClaimTracker } from '../audits/claim-tracker.ts'
import type { ReplicationOptions } from '../options.ts'
import type { Parts } from '../parts.ts'
import type { HintPipeline } from '../verify/hint-pipeline.ts'
import { decodeMemory, encodeMemory, memoryFileBytes, type Remembered } from './memory-codec.ts'

/** Where it lives. */
export interface ReplicationMemory {
  /** undefined: there is none. Throws what the disk says. */
  load(maxBytes: number): Promise<Uint8Array | undefined>
  /** Durable when it resolves; as a whole or not at all. */
  save(bytes: Uint8Array): Promise<void>
}

export interface KeeperDeps {
  readonly parts: Parts
  readonly memory: ReplicationMemory | undefined
  readonly claims: ClaimTracker
  readonly pipeline: HintPipeline
}

const digest = (bytes: Uint8Array) => backend().blake3(bytes)

export class Keeper {
  readonly #deps: KeeperDeps
  /** Changes of claims, and owed keys, in the file. */
  #saved = { claims: 0, owed: 0 }

  constructor(deps: KeeperDeps) {
    this.#deps = deps
  }

  async load(): Promise<void> {
    const { claims, memory, parts, pipeline } = this.#deps
    if (!memory) return
    try {
      const bytes = await memory.load(largest(parts.options))
      const { claims: histories, owed }: Remembered = bytes ? decodeMemory(bytes, digest) : { claims: [], owed: [] }
      const ahead = wallAhead(parts.clock)
      // The file has wall clock time, the engine that which never jumps.
      const since = histories.map((history) => ({ ...history, since: history.since - ahead }))
      claims.restore(since, parts.clock.monotonic())
      const taken = pipeline.owe(owed, parts.clock.monotonic())
      this.#saved = { claims: claims.changes, owed: taken }
    } catch (error) {
      parts.log.warn('a bad file of replication is ignored: claims and owed keys start empty', {
        error: messageOf(error),
      })
    }
  }

  async run(signal: AbortSignal): Promise<void> {
    const { clock, options } = this.#deps.parts
    for (;;) {
      await clock.sleep(options.memorySaveMs, signal)
      await this.save()
    }
  }

  /** Never throws: a disk that fails is logged, the next save may work. */
  async save(): Promise<void> {
    const { claims, memory, parts, pipeline } = this.#deps
    if (!memory) return
    const owed = pipeline.owed(parts.options.owedKeys, parts.clock.monotonic())
    // Ages of owed keys grow by themselves; with none, and none in the file, only claims can be new.
    const { changes } = claims
    if (changes === this.#saved.claims && owed.length + this.#saved.owed === 0) return
    try {
      const ahead = wallAhead(parts.clock)
      const histories = claims.histories().map((each) => ({ ...each, since: Math.round(each.since + ahead) }))
      await memory.save(encodeMemory({ claims: histories, owed }, digest))
      this.#saved = { claims: changes, owed: owed.length }
    } catch (error) {
      parts.log.warn('what replication remembers could not be saved', { error: messageOf(error) })
    }
  }
}

function largest({ claimPeers, owedKeys }: ReplicationOptions): number {
  return memoryFileBytes({ claims: claimPeers, owed: owedKeys })
}
