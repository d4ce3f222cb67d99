/**
 * One network round for the due keys (replication.md 9.1, 9.3, 9.4): who is asked what, one request a peer; answers are
 * folded into votes; the end gives a result for each key, its sources, and who hinted what nobody confirms. Pure.
 */
import { assert } from '../base/index.ts'
import type { ChunkAddress, PeerId, VerificationResult } from '../protocol/index.ts'
import { paidGroup, presenceTargets, type Widths } from './groups.ts'
import { bytesOf } from './key-bytes.ts'
import type { ReplicationOptions } from './options.ts'
import type { OwnView } from './own-view.ts'
import { decide, type QuorumOptions, type QuorumResult } from './quorum.ts'

export interface KeyToVerify {
  readonly key: ChunkAddress
  /** In the own paid list: authorised, only sources are looked for. */
  readonly paidLocally: boolean
  /** Held by us: `credited` decides whose "present" counts. */
  readonly held: boolean
  readonly hinters: readonly Hinter[]
}

export interface Hinter {
  readonly peer: PeerId
  /** Hinted as a replica: says that it holds the key, or that we should. */
  readonly replica: boolean
}

export interface PeerQuestion {
  readonly peer: PeerId
  readonly keys: readonly ChunkAddress[]
  readonly paidListCheckIndices: readonly number[]
}

export interface KeyResult {
  readonly key: ChunkAddress
  readonly result: QuorumResult | 'authorised'
  /** Peers that said present, then those that hinted the key as a replica; each once. */
  readonly sources: readonly PeerId[]
  /** Somebody said present: without, an authorised key may be lost. */
  readonly holders: number
}

export interface RoundEnd {
  readonly results: readonly KeyResult[]
  /** One for each hint that proved wrong, limited for each peer: a failure of weight 1. */
  readonly failures: readonly PeerId[]
}

export type RoundOptions = Widths & QuorumOptions & Pick<ReplicationOptions, 'hinterReports' | 'verificationRequests'>

/** Holder-credit gate (9.4): whether the "present" of a peer counts for a key that we hold. */
export type CreditOf = (peer: PeerId, key: ChunkAddress) => boolean

type Presence = 'present' | 'absent' | 'uncredited'

interface Tally extends KeyToVerify {
  readonly presenceTargets: ReadonlySet<PeerId>
  /** Nearest first, self included; empty when the key is paid locally. */
  readonly paidGroup: readonly PeerId[]
  readonly presence: Map<PeerId, Presence>
  readonly paid: Map<PeerId, boolean>
}

export class VerificationRound {
  readonly #options: RoundOptions
  readonly #self: PeerId
  readonly #credited: CreditOf
  readonly #tallies = new Map<ChunkAddress, Tally>()
  readonly #unasked: PeerQuestion[]
  readonly #outstanding = new Map<PeerId, PeerQuestion>()

  /** Keys are different from each other. */
  constructor(keys: Iterable<KeyToVerify>, view: OwnView, options: RoundOptions, credited: CreditOf) {
    this.#options = options
    this.#self = view.self
    this.#credited = credited
    for (const key of keys) this.#tallies.set(key.key, tallyOf(key, view, options))
    this.#unasked = questions(this.#tallies.values(), view.self).reverse()
  }

  /** The next peer to ask, while fewer than 32 are outstanding. A peer is asked once. */
  next(): PeerQuestion | undefined {
    if (this.#outstanding.size >= this.#options.verificationRequests) return undefined
    const question = this.#unasked.pop()
    if (question) this.#outstanding.set(question.peer, question)
    return question
  }

  /** Nothing left to ask or to wait for. */
  get complete(): boolean {
    return this.#unasked.length === 0 && this.#outstanding.size === 0
  }

  /**
   * The answer of a peer that was asked; undefined for a timeout or nonsense: unresolved. More than twice as many
   * results as keys are cut off, keys not asked are skipped, of two results for a key the first counts.
   */
  answered(peer: PeerId, results: readonly VerificationResult[] | undefined): void {
    const question = this.#outstanding.get(peer)
    if (!question || !this.#outstanding.delete(peer) || !results) return
    const asked = new Set(question.keys)
    const paidAsked = new Set(question.paidListCheckIndices.map((index) => question.keys[index]))
    for (const { key, present, paid } of results.slice(0, 2 * question.keys.length)) {
      if (!asked.delete(key)) continue
      const tally = this.#tallies.get(key) as Tally
      const counts = !present || !tally.held || this.#credited(peer, key)
      tally.presence.set(peer, present ? (counts ? 'present' : 'uncredited') : 'absent')
      if (paid !== undefined && paidAsked.has(key)) tally.paid.set(peer, paid)
    }
  }

  /** Every key is authorised and somebody holds it: what is still to come changes nothing but sources. */
  get settled(): boolean {
    for (const tally of this.#tallies.values()) {
      if (![...tally.presence.values()].includes('present')) return false
      if (tally.paidLocally) continue
      const result = this.#decide(tally)
      if (result !== 'quorumVerified' && result !== 'paidListVerified') return false
    }
    return true
  }

  /** Who has not answered by now is unresolved. */
  end(): RoundEnd {
    const results: KeyResult[] = []
    const reports = new Map<PeerId, number>()
    for (const tally of this.#tallies.values()) {
      const result = tally.paidLocally ? 'authorised' : this.#decide(tally)
      const holders = [...tally.presence].filter(([, presence]) => presence === 'present').map(([peer]) => peer)
      const hinters = tally.hinters.filter(({ replica }) => replica).map(({ peer }) => peer)
      const sources = [...new Set([...holders, ...hinters])].filter((peer) => peer !== this.#self)
      results.push({ key: tally.key, result, sources, holders: holders.length })
      const liar = wrongHinter(tally, result)
      if (liar) reports.set(liar, (reports.get(liar) ?? 0) + 1)
    }
    const failures = [...reports].flatMap(([peer, count]) =>
      new Array<PeerId>(Math.min(count, this.#options.hinterReports)).fill(peer),
    )
    return { results, failures }
  }

  #decide({ presenceTargets, presence, paidGroup, paid }: Tally): QuorumResult {
    const { paidGroupSize, paidEdge } = this.#options
    const asked = [...presenceTargets]
    const silent = (peer: PeerId) => !presence.has(peer) || presence.get(peer) === 'uncredited'
    const voters = paidGroup.filter((peer) => peer !== this.#self)
    const edge = paidGroup.length >= paidGroupSize ? paidGroup.slice(paidGroup.length - paidEdge) : []
    const confirms = (peer: PeerId) => paid.get(peer) === true
    const open = (peer: PeerId) => peer !== this.#self && !paid.has(peer)
    return decide(
      {
        targets: asked.length,
        positive: asked.filter((peer) => presence.get(peer) === 'present').length,
        unresolved: asked.filter(silent).length,
      },
      {
        members: paidGroup.length,
        confirmed: voters.filter(confirms).length,
        unresolved: voters.filter(open).length,
        edge: edge.length,
        edgeConfirmed: edge.filter(confirms).length,
        edgeUnresolved: edge.filter(open).length,
      },
      this.#options,
    )
  }
}

function tallyOf(key: KeyToVerify, view: OwnView, options: RoundOptions): Tally {
  const bytes = bytesOf(key.key)
  return {
    ...key,
    presenceTargets: new Set(presenceTargets(view, bytes, options)),
    paidGroup: key.paidLocally ? [] : paidGroup(view, bytes, options),
    presence: new Map(),
    paid: new Map(),
  }
}

/** Presence is in every answer, so one request serves both kinds of evidence (scenario 27). */
function questions(tallies: Iterable<Tally>, self: PeerId): PeerQuestion[] {
  const byPeer = new Map<PeerId, { peer: PeerId; keys: ChunkAddress[]; paidListCheckIndices: number[] }>()
  for (const { key, presenceTargets, paidGroup } of tallies) {
    const paid = new Set(paidGroup)
    for (const peer of new Set([...presenceTargets, ...paidGroup])) {
      if (peer === self) continue
      let question = byPeer.get(peer)
      if (!question) byPeer.set(peer, (question = { peer, keys: [], paidListCheckIndices: [] }))
      if (paid.has(peer)) question.paidListCheckIndices.push(question.keys.length)
      question.keys.push(key)
    }
  }
  for (const { keys } of byPeer.values()) assert(keys.length <= 8192, 'a cycle has no more keys than a request takes')
  return [...byPeer.values()]
}

/** Only a lone hinter is blamed: with several, nobody knows who made it up (9.5). */
function wrongHinter({ hinters, presence }: Tally, result: KeyResult['result']): PeerId | undefined {
  const [only] = hinters
  if (hinters.length !== 1 || !only?.replica) return undefined
  return result === 'quorumFailed' || presence.get(only.peer) === 'absent' ? only.peer : undefined
}
