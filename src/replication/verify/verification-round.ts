/**
 * One network round for the due keys (replication.md 9.1, 9.3, 9.4): who is asked what, one request a peer; answers are
 * folded into votes; each key has its result and its sources as soon as they are certain; the end says who hinted what
 * nobody confirms. The 7 closest are asked first, for both kinds of evidence: where they hold the key that is a quorum,
 * and the 13 beyond them are asked only for the keys that it does not settle. Pure; long work comes in slices.
 */
import { assert, type InSlices } from '../../base/index.ts'
import { type ChunkAddress, keyOf, type PeerId, type VerificationResult } from '../../protocol/index.ts'
import type { ReplicationOptions } from '../options.ts'
import type { VerificationQuestion } from '../traffic/verification-gate.ts'
import { paidGroup, presenceTargets, type Widths } from '../view/groups.ts'
import type { OwnView } from '../view/own-view.ts'
import { decide, type PaidVotes, type PresenceVotes, type QuorumOptions, type QuorumResult } from './quorum.ts'

export interface KeyToVerify {
  readonly key: ChunkAddress
  /** In the own paid list: authorised, only sources are looked for. */
  readonly paidLocally: boolean
  /** Held by us: `credited` decides whose "present" counts. */
  readonly held: boolean
  /** It matters how many of those nearer than self hold it: all of them are asked. */
  readonly counted: boolean
  readonly hinters: readonly Hinter[]
}

export interface Hinter {
  readonly peer: PeerId
  /** Hinted as a replica: says that it holds the key, or that we should. */
  readonly replica: boolean
}

export interface KeyResult {
  readonly key: ChunkAddress
  readonly result: QuorumResult | 'authorised'
  /** Peers that said present, then those that hinted the key as a replica; each once. */
  readonly sources: readonly PeerId[]
  /** Somebody said present: without, an authorised key may be lost. */
  readonly holders: number
  /** Of the 7 closest: those that said that they do not hold it, and those that said nothing. */
  readonly absent: number
  readonly silent: number
  /** Of a counted key, those nearer than self: who said present, and who said nothing. */
  readonly nearer: number
  readonly unheard: number
}

export interface RoundEnd {
  readonly results: readonly KeyResult[]
  /** One for each hint that proved wrong, limited for each peer: a failure of weight 1. */
  readonly failures: readonly PeerId[]
}

export type RoundOptions = Widths &
  QuorumOptions &
  Pick<ReplicationOptions, 'hinterReports' | 'verificationRequests' | 'sourcesWanted'>

export interface RoundHooks {
  /** Holder-credit gate (9.4): whether the "present" of a peer counts for a key that we hold. */
  credited(peer: PeerId, key: ChunkAddress): boolean
  /** false: the peer is suspected to be gone; it is unresolved without delay. */
  askable(peer: PeerId): boolean
  /** It has another question of ours open, and drops a second one (4.2): it is asked when that is over. */
  busy(peer: PeerId): boolean
  /** On our own list by now: a notify often comes after the hint, while the key is asked for. */
  paid(key: ChunkAddress): boolean
}

/** Grows until it is asked. */
interface Question extends VerificationQuestion {
  readonly keys: ChunkAddress[]
  readonly paidListCheckIndices: number[]
}

interface Tally extends KeyToVerify {
  readonly presenceTargets: readonly PeerId[]
  /** Nearest first, self included; empty when the key is paid locally. */
  readonly paidGroup: readonly PeerId[]
  /** First index of the members that count only when they confirm. */
  readonly edgeFrom: number
  readonly presence: Mutable<PresenceVotes>
  readonly paid: Mutable<PaidVotes>
  readonly holders: PeerId[]
  /** Than self; empty unless it counts how many of them hold it. */
  readonly nearer: ReadonlySet<PeerId>
  nearerAbsent: number
  /** The only hinter says that it does not hold the key itself. */
  hinterAbsent: boolean
  /** Of the paid group, not asked yet. */
  farther: readonly PeerId[]
  /** Peers that are to be asked, or have not answered for the key. */
  open: number
  result: KeyResult['result'] | undefined
}

/** Keys prepared, and results counted, in one go: some 3 ms. */
const SLICE = 256
const ANSWER_SLICE = 1024

type Mutable<T> = { -readonly [Name in keyof T]: T[Name] }

export class VerificationRound {
  readonly #options: RoundOptions
  readonly #self: PeerId
  readonly #hooks: RoundHooks
  readonly #tallies = new Map<ChunkAddress, Tally>()
  readonly #unasked = new Map<PeerId, Question>()
  readonly #outstanding = new Map<PeerId, VerificationQuestion>()
  #unsettled = 0
  #hurried = false
  #settled: KeyResult[] = []

  private constructor(view: OwnView, options: RoundOptions, hooks: RoundHooks) {
    this.#options = options
    this.#self = view.self
    this.#hooks = hooks
  }

  /** Keys are different from each other; 8192 of them take some 50 ms, so it comes in slices. */
  static *over(
    keys: Iterable<KeyToVerify>,
    view: OwnView,
    options: RoundOptions,
    hooks: RoundHooks,
  ): InSlices<VerificationRound> {
    const round = new VerificationRound(view, options, hooks)
    for (const key of keys) {
      const tally = tallyOf(key, view, options)
      round.#tallies.set(key.key, tally)
      round.#want(tally, key.counted ? [...tally.nearer] : tally.presenceTargets)
      if (round.#tallies.size % SLICE === 0) yield
    }
    round.#unsettled = round.#tallies.size
    for (const tally of round.#tallies.values()) round.#settle(tally)
    return round
  }

  /** All keys have a result, though some peers may still owe an answer: a new round may start. */
  get allSettled(): boolean {
    return this.#unsettled === 0
  }
  /** Peers whose answer is still awaited. */
  get awaited(): Iterable<PeerId> {
    return this.#outstanding.keys()
  }

  /** Nobody is left to ask or to wait for, and keys have no result: `widen` helps. */
  get exhausted(): boolean {
    return this.#unsettled > 0 && this.#outstanding.size === 0 && this.#unasked.size === 0
  }

  /** The next peer to ask, while fewer than 32 are outstanding. Nobody is asked for settled keys only. */
  next(): VerificationQuestion | undefined {
    if (this.#outstanding.size >= this.#options.verificationRequests) return undefined
    for (const [peer, question] of this.#unasked) {
      if (this.#outstanding.has(peer) || this.#hooks.busy(peer)) continue
      this.#unasked.delete(peer)
      const wanted = question.keys.some((key) => this.#tallies.get(key)?.result === undefined)
      if (!wanted) continue
      this.#outstanding.set(peer, question)
      return question
    }
    return undefined
  }

  /** The nearest have answered, or had time to: for keys that they do not settle, the others are to be asked. */
  *widen(): InSlices<void> {
    let seen = 0
    for (const tally of this.#tallies.values()) {
      if (++seen % SLICE === 0) yield
      if (tally.result !== undefined) continue
      const { farther } = tally
      tally.farther = []
      this.#want(tally, farther)
      this.#settle(tally)
    }
    if (this.#hurried) this.hurry()
  }

  /**
   * The answer of a peer that was asked; undefined for a timeout or nonsense: unresolved. More than twice as many
   * results as keys are cut off, keys not asked are skipped, of two results for a key the first counts.
   */
  *answered(peer: PeerId, results: readonly VerificationResult[] | undefined): InSlices<void> {
    const question = this.#outstanding.get(peer)
    if (!question) return
    this.#outstanding.delete(peer)
    const left = new Set(question.keys)
    for (const [i, result] of (results?.slice(0, 2 * question.keys.length) ?? []).entries()) {
      if ((i + 1) % ANSWER_SLICE === 0) yield
      if (!left.delete(result.key)) continue
      const tally = this.#tallies.get(result.key) as Tally
      this.#count(tally, peer, result)
      this.#close(tally)
    }
    for (const key of left) this.#close(this.#tallies.get(key) as Tally)
  }

  /**
   * Most have answered by now: from here on one source is enough, and who is busy still is not waited for, so that
   * nobody waits for the silent.
   */
  hurry(): void {
    this.#hurried = true
    for (const [peer, { keys }] of this.#unasked) {
      if (!this.#hooks.busy(peer)) continue
      this.#unasked.delete(peer)
      for (const key of keys) (this.#tallies.get(key) as Tally).open--
    }
    for (const tally of this.#tallies.values()) this.#settle(tally)
  }

  /** Results that came to be since the last call: a silent peer holds up only the keys that need its answer. */
  takeSettled(): KeyResult[] {
    return this.#settled.splice(0)
  }

  /** Who has not answered by now is unresolved. The results not taken yet, and whose hints proved wrong. */
  end(): RoundEnd {
    const reports = new Map<PeerId, number>()
    for (const tally of this.#tallies.values()) {
      tally.open = 0
      tally.farther = []
      this.#settle(tally)
      const liar = wrongHinter(tally)
      if (liar) reports.set(liar, (reports.get(liar) ?? 0) + 1)
    }
    const failures = [...reports].flatMap(([peer, count]) =>
      new Array<PeerId>(Math.min(count, this.#options.hinterReports)).fill(peer),
    )
    return { results: this.takeSettled(), failures }
  }

  /** Presence is in every answer, so one request a peer serves both kinds of evidence (scenario 27). */
  #want(tally: Tally, peers: readonly PeerId[]): void {
    for (const peer of peers) {
      if (!this.#hooks.askable(peer)) continue
      let question = this.#unasked.get(peer)
      if (!question) this.#unasked.set(peer, (question = { peer, keys: [], paidListCheckIndices: [] }))
      if (tally.paidGroup.includes(peer)) question.paidListCheckIndices.push(question.keys.length)
      question.keys.push(tally.key)
      assert(question.keys.length <= 8192, 'a cycle has no more keys than a request takes')
      tally.open++
    }
  }

  #count(tally: Tally, peer: PeerId, { key, present, paid }: VerificationResult): void {
    const counts = !present || !tally.held || this.#hooks.credited(peer, key)
    if (counts && present) tally.holders.push(peer)
    if (counts && tally.presenceTargets.includes(peer)) {
      tally.presence.unresolved--
      if (present) tally.presence.positive++
    }
    if (!present && tally.nearer.has(peer)) tally.nearerAbsent++
    if (!present && tally.hinters.length === 1 && tally.hinters[0]?.peer === peer) tally.hinterAbsent = true
    const place = paid === undefined ? -1 : tally.paidGroup.indexOf(peer)
    if (place < 0) return
    const [confirmed, edge] = [paid ? 1 : 0, place >= tally.edgeFrom ? 1 : 0]
    tally.paid.unresolved--
    tally.paid.confirmed += confirmed
    tally.paid.edgeUnresolved -= edge
    tally.paid.edgeConfirmed += confirmed * edge
  }

  #close(tally: Tally): void {
    tally.open--
    this.#settle(tally)
  }

  /** Final once no further answer can change it, and there is a choice of sources or nobody is left to ask. */
  #settle(tally: Tally): void {
    if (tally.result !== undefined) return
    const quorum = tally.paidLocally ? 'authorised' : decide(tally.presence, tally.paid, this.#options)
    const result = quorum === 'quorumFailed' && this.#hooks.paid(tally.key) ? 'authorised' : quorum
    const sourcesWanted = this.#hurried ? 1 : this.#options.sourcesWanted
    const counting = tally.counted && !this.#hurried
    const waits =
      result === 'quorumInconclusive' ||
      (result !== 'quorumFailed' && (counting || tally.holders.length < sourcesWanted))
    if (waits && (tally.open > 0 || tally.farther.length > 0)) return
    tally.result = result
    this.#unsettled--
    const hinters = tally.hinters.filter(({ replica }) => replica).map(({ peer }) => peer)
    const sources = [...new Set([...tally.holders, ...hinters])].filter((peer) => peer !== this.#self)
    const { holders, key } = tally
    const { positive, targets, unresolved } = tally.presence
    const nearer = holders.filter((peer) => tally.nearer.has(peer)).length
    this.#settled.push({
      ...{ key, result, sources, holders: holders.length },
      ...{ absent: targets - positive - unresolved, silent: unresolved },
      ...{ nearer, unheard: tally.nearer.size - nearer - tally.nearerAbsent },
    })
  }
}

function tallyOf(key: KeyToVerify, view: OwnView, options: RoundOptions): Tally {
  const bytes = keyOf(key.key)
  const targets = presenceTargets(view, bytes, options)
  const group = key.paidLocally ? [] : paidGroup(view, bytes, options)
  // Self is beyond the 7, so they are among those that are nearer.
  const wide = key.counted ? view.closest(bytes, options.acceptanceWidth) : []
  const nearer = new Set(wide.slice(0, Math.max(0, wide.indexOf(view.self))))
  const edgeFrom = group.length >= options.paidGroupSize ? group.length - options.paidEdge : group.length
  const edge = group.length - edgeFrom
  const self = group.indexOf(view.self)
  return {
    ...{ ...key, presenceTargets: targets, paidGroup: group, edgeFrom, holders: [] },
    farther: group.filter((peer) => peer !== view.self && !targets.includes(peer)),
    ...{ hinterAbsent: false, nearer, nearerAbsent: 0, open: 0, result: undefined },
    presence: { targets: targets.length, positive: 0, unresolved: targets.length },
    paid: {
      // Self is a member that is not asked and has not confirmed.
      ...{ members: group.length, confirmed: 0, unresolved: group.length - (self >= 0 ? 1 : 0) },
      ...{ edge, edgeConfirmed: 0, edgeUnresolved: edge - (self >= edgeFrom ? 1 : 0) },
    },
  }
}

/** Only a lone hinter is blamed: with several, nobody knows who made it up (9.5). */
function wrongHinter({ hinters, hinterAbsent, result }: Tally): PeerId | undefined {
  const [only] = hinters
  if (hinters.length !== 1 || !only?.replica) return undefined
  return result === 'quorumFailed' || hinterAbsent ? only.peer : undefined
}
