/**
 * Commitments that others showed us (replication.md 14.3): the gates before a signature is checked, the last valid one
 * of each peer, and who ever had one. Pure: the caller verifies between `admits` and `accept`.
 */
import { LruMap } from '../base/index.ts'
import { type PeerId, peerIdOfPublicKey, type StorageCommitment } from '../protocol/index.ts'
import { type Pin, pinOfCommitment } from './commitment.ts'
import { type AuditOptions, defaultAuditOptions } from './options.ts'

export interface PeerCommitment {
  readonly commitment: StorageCommitment
  readonly pin: Pin
  readonly receivedAt: number
}

export class PeerCommitments {
  readonly #options: AuditOptions
  readonly #last: LruMap<PeerId, PeerCommitment>
  readonly #attempts: LruMap<PeerId, number>
  readonly #capable: LruMap<PeerId, true>

  constructor(options: AuditOptions = defaultAuditOptions) {
    this.#options = options
    this.#last = new LruMap(options.peerCommitments)
    this.#attempts = new LruMap(options.stampedPeers)
    this.#capable = new LruMap(options.capablePeers)
  }

  /** Whether the signature is worth checking; stamps the attempt. `sender` is authenticated and in the routing table. */
  admits(commitment: StorageCommitment, sender: PeerId, now: number): boolean {
    if (commitment.peer !== sender || peerIdOfPublicKey(commitment.publicKey) !== sender) return false
    const last = this.#attempts.get(sender)
    if (last !== undefined && now - last < this.#options.commitmentCheckMs) return false
    this.#attempts.set(sender, now)
    return true
  }

  /** Its signature was valid. Gives what is now known of the peer. */
  accept(commitment: StorageCommitment, now: number): PeerCommitment {
    const { root, publicKey, signature } = commitment
    // Its bytes are views into a message of up to 270 KiB, which would stay with them.
    const own = { ...commitment, root: root.slice(), publicKey: publicKey.slice(), signature: signature.slice() }
    const known = { commitment: own, pin: pinOfCommitment(commitment), receivedAt: now }
    this.#last.set(commitment.peer, known)
    this.#capable.set(commitment.peer, true)
    return known
  }

  /** What a peer may be audited on: shown less than 3 h ago, also when it showed none since. */
  auditable(peer: PeerId, now: number): PeerCommitment | undefined {
    const known = this.#last.get(peer)
    return known !== undefined && now - known.receivedAt < this.#options.answerableMs ? known : undefined
  }

  /** The last valid commitment, however old: credit counts under this pin. */
  latest(peer: PeerId): PeerCommitment | undefined {
    return this.#last.get(peer)
  }

  /** It left the table (4.3): what it showed is forgotten, not that it ever did. */
  forget(peer: PeerId): void {
    this.#last.delete(peer)
    this.#attempts.delete(peer)
  }

  /** Ever showed a valid one. */
  isCapable(peer: PeerId): boolean {
    return this.#capable.has(peer)
  }
}
