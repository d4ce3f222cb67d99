/**
 * Our own storage commitment (replication.md 14): built at the start and hourly, shown with every sync, answerable for
 * three hours, kept over a restart. A pin that a peer holds is on disk before it leaves.
 */
import {
  buildTree,
  encodeRetention,
  loadRetention,
  pinOf,
  type Retention,
  type RetentionFiles,
  signTree,
  sortedEntries,
  withPauses,
} from '../../audit/index.ts'
import { messageOf } from '../../base/index.ts'
import type { Signer, Verifier } from '../../crypto/index.ts'
import { type ChunkAddress, keyOf, type ReplicationBody, type StorageCommitment } from '../../protocol/index.ts'
import type { Parts } from '../parts.ts'

/** Where the two retention files live. */
export interface RetentionStore {
  load(): Promise<{ readonly main: Uint8Array; readonly pointers?: Uint8Array } | undefined>
  /** Pointers first. Throws what the disk says. */
  save(files: RetentionFiles): Promise<void>
}

export interface CommitmentsDeps {
  readonly parts: Parts
  readonly signer: Signer
  readonly verifier: Verifier
  readonly files: RetentionStore
  /** The first one is built: time to show it. */
  built(): void
}

export class Commitments {
  readonly #deps: CommitmentsDeps
  #retention: Retention | undefined
  #saved = 0

  constructor(deps: CommitmentsDeps) {
    this.#deps = deps
  }

  /** undefined before the files are read. */
  get retention(): Retention | undefined {
    return this.#retention
  }

  async load(): Promise<void> {
    const { files, parts, verifier } = this.#deps
    const found = (await files.load()) ?? { main: encodeRetention([], false).main }
    const { retention, faults } = await loadRetention(found, {
      ...{ self: parts.self, verifier, now: parts.clock.now(), breathe: () => this.#breathe() },
    })
    for (const fault of faults) parts.log.warn('a retained commitment was left out', { fault })
    this.#retention = retention
    this.#saved = retention.changes
  }

  async run(signal: AbortSignal): Promise<void> {
    const { clock, options, tasks } = this.#deps.parts
    tasks.spawn('save commitments', (inner) => this.#saveNowAndThen(inner))
    for (let first = true; ; first = false) {
      await this.rotate(signal)
      if (first) this.#deps.built()
      await clock.sleep(options.commitmentRotationMs, signal)
    }
  }

  /**
   * The first commitment is of what was there at the start: for a new node nothing, and so it would stay for an hour.
   * Most of what it fetches comes within minutes.
   */
  async caughtUp(signal: AbortSignal): Promise<void> {
    const { clock, options } = this.#deps.parts
    for (const pause of options.commitmentFirstMs) {
      await clock.sleep(pause, signal)
      await this.rotate(signal)
    }
  }

  /** A fresh tree over what this node is in the close group for; the same root changes nothing. */
  async rotate(signal: AbortSignal): Promise<void> {
    const { parts, signer } = this.#deps
    const { clock, holdings, options, self } = parts
    const retention = this.#retention
    if (!retention) return
    const keys: ChunkAddress[] = []
    const walk = holdings.index.keysFor(holdings.view, self, 'stored', options.closeGroupSize)
    await holdings.walk(walk, (key) => keys.push(key), signal)
    if (keys.length === 0) return retention.retire(clock.now())
    const breathe = () => this.#breathe()
    const tree = await withPauses(buildTree(await withPauses(sortedEntries(keys), breathe)), breathe)
    signal.throwIfAborted()
    if (retention.isNew(tree.root)) retention.rotate(await signTree(tree, signer), clock.now())
  }

  /** The current one, marked as shown; undefined when there is none, or the disk does not take it. */
  async show(): Promise<StorageCommitment | undefined> {
    const { clock, log } = this.#deps.parts
    const shown = this.#retention?.show(clock.now())
    if (!shown) return undefined
    try {
      if (shown.firstTime) await this.#save()
      return shown.signed.commitment
    } catch (error) {
      log.warn('a commitment is not shown: it could not be kept', { error: messageOf(error) })
      return undefined
    }
  }

  /** Prune veto. */
  isCommitted(key: ChunkAddress): boolean {
    return this.#retention?.isCommitted(keyOf(key), this.#deps.parts.clock.now()) ?? false
  }

  /** GetCommitmentByPin (14.4). */
  answer(pin: Uint8Array): ReplicationBody {
    const signed = this.#retention?.find(pinOf(pin), this.#deps.parts.clock.now())
    const result = signed
      ? { kind: 'found' as const, commitment: signed.commitment }
      : { kind: 'notRetained' as const, pin }
    return { kind: 'getCommitmentByPinResponse', result }
  }

  async #saveNowAndThen(signal: AbortSignal): Promise<void> {
    const { clock, log, options } = this.#deps.parts
    for (;;) {
      await clock.sleep(options.retentionSaveMs, signal)
      try {
        await this.#save()
      } catch (error) {
        log.warn('commitments could not be kept', { error: messageOf(error) })
      }
    }
  }

  async #save(): Promise<void> {
    const { clock } = this.#deps.parts
    const retention = this.#retention
    if (!retention || retention.changes === this.#saved) return
    const { changes } = retention
    await this.#deps.files.save(encodeRetention(retention.slots(clock.now()), retention.current !== undefined))
    this.#saved = changes
  }

  #breathe(): Promise<void> {
    const { clock, tasks } = this.#deps.parts
    return clock.sleep(0, tasks.signal)
  }
}
