/**
 * PaidNotify messages, one after the other for each peer (replication.md 4.2: it takes 16 of ours and drops the rest in
 * silence; each costs it a look at the chain). An upload owes hundreds at once.
 */
import type { ChunkAddress, PeerId } from '../../protocol/index.ts'
import type { Parts } from '../parts.ts'

interface Owed {
  readonly key: ChunkAddress
  readonly paymentProof: Uint8Array
  tries: number
}

export class Notifier {
  readonly #parts: Pick<Parts, 'clock' | 'messenger' | 'options' | 'tasks'>
  readonly #lines = new Map<PeerId, Owed[]>()
  /** Of each key, how many are owed a notify of it. */
  readonly #owed = new Map<ChunkAddress, number>()
  #proofBytes = 0

  constructor(parts: Pick<Parts, 'clock' | 'messenger' | 'options' | 'tasks'>) {
    this.#parts = parts
  }

  /** Bytes of proofs that wait. */
  get proofBytes(): number {
    return this.#proofBytes
  }

  /** false: no place; the hints of the next rounds will tell. */
  add(peer: PeerId, key: ChunkAddress, paymentProof: Uint8Array): boolean {
    const { options, tasks } = this.#parts
    const owed = this.#owed.get(key) ?? 0
    const more = owed === 0 ? paymentProof.length : 0
    if (this.#proofBytes + more > options.notifyProofBytes) return false
    this.#proofBytes += more
    this.#owed.set(key, owed + 1)
    const entry = { key, paymentProof, tries: 0 }
    const line = this.#lines.get(peer)
    if (line) line.push(entry)
    else {
      this.#lines.set(peer, [entry])
      tasks.spawn('notify', (signal) => this.#tell(peer, signal))
    }
    return true
  }

  async #tell(peer: PeerId, signal: AbortSignal): Promise<void> {
    const { clock, messenger, options } = this.#parts
    const line = this.#lines.get(peer) ?? []
    try {
      for (let first = line[0]; first; first = line[0]) {
        const { key, paymentProof } = first
        const sent = await messenger.tell(peer, { kind: 'paidNotify', key, paymentProof }, signal)
        line.shift()
        if (!sent && ++first.tries < options.notifyTries) line.push(first)
        else this.#over(first)
        if (line.length > 0) await clock.sleep(options.notifyPauseMs, signal)
      }
    } finally {
      // Whatever ended it: nothing is owed any more.
      for (const left of line) this.#over(left)
      this.#lines.delete(peer)
    }
  }

  #over({ key, paymentProof }: Owed): void {
    const left = (this.#owed.get(key) ?? 1) - 1
    if (left > 0) this.#owed.set(key, left)
    else {
      this.#owed.delete(key)
      this.#proofBytes -= paymentProof.length
    }
  }
}
