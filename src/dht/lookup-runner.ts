/** Runs Lookup machines over the messenger: asks, waits, feeds answers, stops (dht.md 8). */
import { type Clock, codeOf, withScope } from '../base/index.ts'
import { type Key, keyOf, type PeerId, type TypedAddress } from '../protocol/index.ts'
import type { DhtPeer, LookupObserver, LookupResult } from './dht.ts'
import type { FailureSignals } from './failure-signals.ts'
import { Lookup, type LookupEntry, type LookupPeer } from './lookup.ts'
import type { DhtMetrics } from './metrics.ts'
import { ALPHA, ANSWER_ENTRIES, type DhtOptions } from './options.ts'

/** What one FindNode brought: entries with their authority, or that the peer refuses us. */
export type FindNodeOutcome =
  | { readonly kind: 'entries'; readonly entries: readonly LookupEntry[] }
  | { readonly kind: 'rejected' }

export interface LookupRunnerDeps {
  readonly self: PeerId
  readonly clock: Clock
  readonly metrics: DhtMetrics
  readonly failures: FailureSignals
  /** Self with the addresses that we publish; undefined for a client, which is no result of a walk. */
  selfPeer(): DhtPeer | undefined
  closestKnown(target: Key, count: number): readonly LookupPeer[]
  isDialable(peer: PeerId, addresses: readonly TypedAddress[]): boolean
  isTardy(peer: PeerId): boolean
  owedSince(peer: PeerId): number | undefined
  findNode(peer: LookupPeer, target: Key, signal: AbortSignal): Promise<FindNodeOutcome>
  /** The peer answered PeerRejected: out of the table and disconnected. */
  rejectedBy(peer: PeerId): void
}

type Options = Pick<
  DhtOptions,
  'maxRounds' | 'maxCandidates' | 'graceMs' | 'silentMs' | 'lookupDeadlineMs' | 'bucketSize'
>

export interface LookupRequest extends LookupObserver {
  readonly signal: AbortSignal
  /** Entries of an answer that are looked at, when more than k are wanted. */
  readonly viewSize?: number
  /** Every answer as it came, for witnessed groups. */
  onAnswer?(peer: PeerId, entries: readonly LookupEntry[]): void
}

/** Questions still open are nobody's fault any more. */
const OVER = new DOMException('the lookup is over', 'AbortError')

export class LookupRunner {
  readonly #deps: LookupRunnerDeps
  readonly #options: Options

  constructor(deps: LookupRunnerDeps, options: Options) {
    this.#deps = deps
    this.#options = options
  }

  /** Rejects with the signal's reason only; a walk that finds nobody is an empty result. */
  run(target: Key, count: number, request: LookupRequest): Promise<LookupResult> {
    return withScope(request.signal, ({ signal }) => this.#walk(target, count, request, signal), OVER)
  }

  async #walk(target: Key, count: number, request: LookupRequest, signal: AbortSignal): Promise<LookupResult> {
    const { clock, metrics } = this.#deps
    const started = clock.monotonic()
    const lookup = this.#create(target, count, request, started)
    this.#tell(lookup, request)
    const alarm = new Alarm(clock, signal)
    try {
      for (;;) {
        signal.throwIfAborted()
        const step = lookup.step(clock.monotonic())
        if (step.kind === 'end') {
          metrics.lookups.add(1, { end: step.end })
          metrics.lookupRounds.observe(lookup.rounds)
          metrics.lookupSeconds.observe((clock.monotonic() - started) / 1000)
          const closest = lookup.result().map(({ peer, addresses }) => ({ peer, addresses }))
          return { closest, end: step.end, rounds: lookup.rounds }
        }
        if (step.kind === 'wait') await alarm.wait(step.until)
        else for (const peer of step.peers) void this.#ask(lookup, peer, request, signal).finally(() => alarm.ring())
      }
    } finally {
      alarm.dispose()
    }
  }

  #create(target: Key, count: number, request: LookupRequest, now: number): Lookup {
    const { self } = this.#deps
    const { maxRounds, maxCandidates, graceMs, silentMs, lookupDeadlineMs: deadlineMs, bucketSize } = this.#options
    const own = this.#deps.selfPeer()
    const selfEntry = own && { peer: self, key: keyOf(self), addresses: own.addresses }
    return new Lookup(
      target,
      { self, known: this.#deps.closestKnown(target, bucketSize), now, ...(selfEntry ? { selfEntry } : {}) },
      {
        ...{ count, alpha: ALPHA, maxRounds, maxCandidates, graceMs, silentMs, deadlineMs },
        answerLimit: Math.max(ANSWER_ENTRIES, request.viewSize ?? 0),
      },
      {
        isEligible: ({ peer, addresses }) => this.#deps.isDialable(peer, addresses),
        isTardy: (peer) => this.#deps.isTardy(peer),
        owedSince: (peer) => this.#deps.owedSince(peer),
      },
    )
  }

  /** Never rejects. */
  async #ask(lookup: Lookup, peer: LookupPeer, request: LookupRequest, signal: AbortSignal): Promise<void> {
    const { clock, failures } = this.#deps
    await withScope(signal, async (scope) => {
      const unwatch = failures.watch(peer.peer, scope)
      try {
        const outcome = await this.#deps.findNode(peer, lookup.target, scope.signal)
        if (outcome.kind === 'rejected') {
          lookup.failed(peer.peer, clock.monotonic())
          this.#deps.rejectedBy(peer.peer)
          return
        }
        request.onAnswer?.(peer.peer, outcome.entries)
        lookup.answered(peer.peer, outcome.entries, clock.monotonic())
        this.#tell(lookup, request)
      } catch (error) {
        lookup.failed(peer.peer, clock.monotonic())
        // A full line of ours says nothing about the peer: other walks may still be waiting for it.
        if (!scope.signal.aborted && codeOf(error) !== 'DHT_BUSY') failures.failed(peer.peer, scope)
      } finally {
        unwatch()
      }
    })
  }

  #tell(lookup: Lookup, request: LookupRequest): void {
    if (!request.onCandidates) return
    const nearest = lookup.nearestSoFar(ANSWER_ENTRIES)
    if (nearest.length > 0) request.onCandidates(nearest.map(({ peer, addresses }) => ({ peer, addresses })))
  }
}

/** Sleeps until a time, a ring, or the signal. */
class Alarm {
  readonly #clock: Clock
  readonly #signal: AbortSignal
  #wake: (() => void) | undefined
  #rung = false
  readonly #onAbort = () => this.ring()

  constructor(clock: Clock, signal: AbortSignal) {
    this.#clock = clock
    this.#signal = signal
    signal.addEventListener('abort', this.#onAbort, { once: true })
  }

  ring(): void {
    this.#rung = true
    this.#wake?.()
  }

  async wait(until: number): Promise<void> {
    if (!this.#rung) {
      await new Promise<void>((resolve) => {
        const timer = this.#clock.timer(Math.max(0, until - this.#clock.monotonic()), resolve)
        this.#wake = () => {
          timer.cancel()
          resolve()
        }
      })
      this.#wake = undefined
    }
    this.#rung = false
  }

  dispose(): void {
    this.#signal.removeEventListener('abort', this.#onAbort)
  }
}
