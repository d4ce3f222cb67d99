/**
 * Our own storage commitment (replication.md 14): built at the start and hourly, shown with every sync, answerable for
 * three hours, kept over a restart. A pin that a peer holds is on disk before it leaves.
 */
import {
  buildTree,
  encodeRetention,
  loadRetention,
  type Pin,
  pinOf,
  type RetainedSlot,
  type Retention,
  type RetentionFiles,
  type SignedTree,
  signTree,
  sortedEntries,
} from '../../audit/index.ts'
import { fromHex, messageOf, wallAhead, withPauses } from '../../base/index.ts'
import type { Signer, Verifier } from '../../crypto/index.ts'
import type { ShownCommitment } from '../../payment/index.ts'
import {
  type ChunkAddress,
  encodeCommitmentSidecar,
  keyOf,
  type ReplicationBody,
  type StorageCommitment,
} from '../../protocol/index.ts'
import type { Parts } from '../parts.ts'
import type { OwnView } from '../view/own-view.ts'

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
  #saving: Promise<void> | undefined
  /** Pins that are on disk as shown. */
  #kept: ReadonlySet<Pin> = new Set()
  /** Of the last build. */
  #builtOver: { readonly view: OwnView; readonly changes: number } | undefined
  #sidecar: { readonly of: SignedTree; readonly bytes: Uint8Array } | undefined

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
      ...{ self: parts.self, verifier, now: parts.clock.monotonic(), breathe: () => this.#breathe() },
      wallAhead: wallAhead(parts.clock),
    })
    for (const fault of faults) parts.log.warn('a retained commitment was left out', { fault })
    this.#retention = retention
    this.#saved = retention.changes
    this.#kept = shownPins(retention.slots(parts.clock.monotonic()))
  }

  /** The first one, once the table has joined: before that we would be in the close group of all that we hold. */
  async begin(signal: AbortSignal): Promise<void> {
    await this.rotate(signal)
    this.#deps.built()
  }

  async run(signal: AbortSignal): Promise<void> {
    const { clock, options, tasks } = this.#deps.parts
    tasks.spawn('save commitments', (inner) => this.#saveNowAndThen(inner))
    for (;;) {
      await clock.sleep(options.commitmentRotationMs, signal)
      await this.rotate(signal)
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
    const { clock, holdings, options, self, store } = parts
    const retention = this.#retention
    if (!retention) return
    const { index, view } = holdings
    const changes = index.changes('stored')
    // A node in which nothing happens does nothing, however much it holds.
    if (this.#builtOver?.view === view && this.#builtOver.changes === changes) return
    const keys: ChunkAddress[] = []
    // The index hears of a chunk that vanished a moment later than the store.
    const add = (key: ChunkAddress) => void (store.has(key) && keys.push(key))
    await holdings.walk(index.keysFor(view, self, 'stored', options.closeGroupSize), add, signal)
    if (keys.length === 0) retention.retire(clock.monotonic())
    else {
      const breathe = () => this.#breathe()
      const tree = await withPauses(buildTree(await withPauses(sortedEntries(keys), breathe)), breathe)
      signal.throwIfAborted()
      if (retention.isNew(tree.root)) retention.rotate(await signTree(tree, signer), clock.monotonic())
    }
    this.#builtOver = { view, changes }
  }

  /** The current one, marked as shown; undefined when there is none, or the disk does not take it. */
  async show(): Promise<StorageCommitment | undefined> {
    return (await this.#shown())?.commitment
  }

  /** The same for a quote, with its sidecar. */
  async showForQuote(): Promise<ShownCommitment | undefined> {
    const signed = await this.#shown()
    if (!signed) return undefined
    if (this.#sidecar?.of !== signed) this.#sidecar = { of: signed, bytes: encodeCommitmentSidecar(signed.commitment) }
    const pin = fromHex(signed.pin) as Uint8Array
    return { keyCount: signed.commitment.keyCount, pin, encoded: this.#sidecar.bytes }
  }

  async #shown(): Promise<SignedTree | undefined> {
    const { clock, log } = this.#deps.parts
    const signed = this.#retention?.show(clock.monotonic())?.signed
    try {
      // A save that runs may have begun before this one was shown: then there is a second one.
      for (let saves = 0; signed && !this.#kept.has(signed.pin); saves++) {
        if (saves === 2) return undefined
        await this.#save()
      }
      return signed
    } catch (error) {
      log.warn('a commitment is not shown: it could not be kept', { error: messageOf(error) })
      return undefined
    }
  }

  /** Prune veto. */
  isCommitted(key: ChunkAddress): boolean {
    return this.#retention?.isCommitted(keyOf(key), this.#deps.parts.clock.monotonic()) ?? false
  }

  /** GetCommitmentByPin (14.4). */
  answer(pin: Uint8Array): ReplicationBody {
    const signed = this.#retention?.find(pinOf(pin), this.#deps.parts.clock.monotonic())
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

  /** One at a time, for all who wait. */
  #save(): Promise<void> {
    this.#saving ??= this.#saveNow().finally(() => {
      this.#saving = undefined
    })
    return this.#saving
  }

  async #saveNow(): Promise<void> {
    const { clock } = this.#deps.parts
    const retention = this.#retention
    if (!retention || retention.changes === this.#saved) return
    const { changes } = retention
    const slots = retention.slots(clock.monotonic())
    const ahead = wallAhead(clock)
    const stamped = slots.map(({ signed, expiresAt }) => ({
      ...{ signed, expiresAt: expiresAt === undefined ? undefined : Math.round(expiresAt + ahead) },
    }))
    await this.#deps.files.save(encodeRetention(stamped, retention.current !== undefined))
    this.#saved = changes
    this.#kept = shownPins(slots)
  }

  #breathe(): Promise<void> {
    const { clock, tasks } = this.#deps.parts
    return clock.sleep(0, tasks.signal)
  }
}

function shownPins(slots: readonly RetainedSlot[]): ReadonlySet<Pin> {
  return new Set(slots.filter(({ expiresAt }) => expiresAt !== undefined).map(({ signed }) => signed.pin))
}
