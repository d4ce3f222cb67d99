/** Spreads what clients stored here (replication.md 5.1): does what the plan says and reports what came of it. */
import { Alarm, CodedError, messageOf, randomBelow, release } from '../../base/index.ts'
import type { PreparedMessage } from '../../network/index.ts'
import {
  type ChunkAddress,
  type FreshResult,
  type PeerId,
  replicationMessageParts,
  short,
  TOPIC_REPLICATION,
} from '../../protocol/index.ts'
import type { Parts } from '../parts.ts'
import type { VerificationGate } from '../traffic/verification-gate.ts'
import type { FreshAction, FreshReplication } from './fresh-replication.ts'
import { Notifier } from './notifier.ts'
import { BUSY, DUPLICATE, FULL } from './offers.ts'

export interface SpreaderDeps {
  readonly parts: Parts
  readonly plans: FreshReplication
  readonly gate: VerificationGate
  /** These should hold the key by now. */
  spread(key: ChunkAddress, peers: readonly PeerId[]): void
  /** The peer should hold the key and does not take it: it has no room, or says something else. */
  refused(key: ChunkAddress, peer: PeerId, full: boolean): void
}

export class Spreader {
  readonly #deps: SpreaderDeps
  readonly #alarm = new Alarm()
  readonly #notifier: Notifier
  readonly #proofs = new Map<ChunkAddress, Uint8Array>()
  #proofBytes = 0
  readonly #offers = new Map<ChunkAddress, { readonly message: PreparedMessage; readonly bytes: number }>()

  constructor(deps: SpreaderDeps) {
    this.#deps = deps
    this.#notifier = new Notifier(deps.parts)
  }

  /** A client paid for a chunk and it is stored. */
  stored(key: ChunkAddress, proof: Uint8Array): void {
    void this.#deps.parts.holdings.learnPaid(key)
    // What finds no place is left to the hints of the next rounds.
    this.#spread(key, proof)
  }

  /** Others have come since that never heard of it. false: no place, or it is being spread. The proof stays. */
  again(key: ChunkAddress, proof: Uint8Array): boolean {
    const { options, random } = this.#deps.parts
    return this.#spread(key, proof, randomBelow(random, options.respreadSpanMs))
  }

  #spread(key: ChunkAddress, proof: Uint8Array, againAfterMs?: number): boolean {
    const { parts, plans } = this.#deps
    if (this.#proofBytes + proof.length > parts.options.freshProofBytes) return false
    if (!plans.stored(key, parts.holdings.view, parts.clock.monotonic(), againAfterMs)) return false
    this.#proofs.set(key, proof)
    this.#proofBytes += proof.length
    this.#alarm.ring()
    return true
  }

  /** What a peer says to our offer. */
  answered(peer: PeerId, result: FreshResult): void {
    const offered = this.#deps.plans.answered(result.key, peer, result.kind === 'accepted')
    // Who is busy, or gets it from somebody else, will have it.
    const refused = result.kind === 'rejected' && result.reason !== BUSY && result.reason !== DUPLICATE
    if (offered && refused) this.#deps.refused(result.key, peer, result.reason === FULL)
    this.#alarm.ring()
  }

  async run(signal: AbortSignal): Promise<void> {
    const { parts, plans, gate } = this.#deps
    const { clock, holdings } = parts
    gate.onFreed(() => this.#alarm.ring())
    for (;;) {
      await this.#alarm.until(clock, plans.nextAt, signal)
      const busy = (peer: PeerId) => gate.busy(peer)
      for (const action of plans.step(holdings.view, clock.monotonic(), busy)) this.#act(action)
    }
  }

  #act(action: FreshAction): void {
    switch (action.kind) {
      case 'probe':
        this.#start('probe', (signal) => this.#probe(action, signal))
        break
      case 'load':
        this.#start('load', (signal) => this.#load(action.key, signal))
        break
      case 'offer':
        this.#start('offer', (signal) => this.#offer(action.key, action.peer, signal))
        break
      case 'release':
        this.#offers.get(action.key)?.message.release()
        this.#offers.delete(action.key)
        break
      case 'notify':
        this.#notify(action.key, action.peer)
        break
      case 'checkPossession':
        this.#deps.spread(action.key, action.peers)
        break
      case 'done':
        this.#proofBytes -= this.#proofs.get(action.key)?.length ?? 0
        this.#proofs.delete(action.key)
    }
  }

  #notify(key: ChunkAddress, peer: PeerId): void {
    const paymentProof = this.#proofs.get(key)
    if (paymentProof) this.#notifier.add(peer, key, paymentProof)
  }

  #start(name: string, work: (signal: AbortSignal) => Promise<void>): void {
    this.#deps.parts.tasks.spawn(name, async (signal) => {
      await work(signal)
      this.#alarm.ring()
    })
  }

  async #probe(question: FreshAction & { kind: 'probe' }, signal: AbortSignal) {
    const { parts, plans, gate } = this.#deps
    plans.probed(question.peer, await gate.ask(question, { timeoutMs: parts.options.freshProbeTimeoutMs, signal }))
  }

  async #load(key: ChunkAddress, signal: AbortSignal): Promise<void> {
    const { parts, plans } = this.#deps
    const { store, network, messenger, clock, log } = parts
    try {
      const data = await store.get(key)
      signal.throwIfAborted()
      const paymentProof = this.#proofs.get(key)
      if (!data || !paymentProof) return plans.loaded(key, 'missing', clock.monotonic())
      const body = { kind: 'freshOffer' as const, key, data, paymentProof }
      const bytes = data.length
      const message = network.prepare(
        TOPIC_REPLICATION,
        replicationMessageParts({ requestId: messenger.newId(), body }),
      )
      // Made now, so that the chunk is in memory once.
      await message.bytes()
      release(data)
      this.#offers.set(key, { message, bytes })
      plans.loaded(key, 'loaded', clock.monotonic())
    } catch (error) {
      signal.throwIfAborted()
      if (!(error instanceof CodedError)) throw error
      log.warn('a fresh chunk could not be read back', { key: short(key), error: messageOf(error) })
      plans.loaded(key, 'failed', clock.monotonic())
    }
  }

  async #offer(key: ChunkAddress, peer: PeerId, signal: AbortSignal): Promise<void> {
    const { parts, plans } = this.#deps
    const { network, metrics, clock } = parts
    const offer = this.#offers.get(key)
    let sent = false
    try {
      if (offer) await network.sendPrepared(peer, offer.message, { signal, lane: 'spread' })
      sent = offer !== undefined
      if (offer) metrics.sentBytes.add(offer.bytes, { by: 'offer' })
    } catch (error) {
      signal.throwIfAborted()
      if (!(error instanceof CodedError)) throw error
    }
    plans.sent(key, peer, sent, clock.monotonic())
  }
}
