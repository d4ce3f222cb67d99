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

export interface NotifierDeps {
  readonly parts: Pick<Parts, 'clock' | 'messenger' | 'options' | 'tasks'>
  /** Nobody is owed a notify of the key any more. */
  told(key: ChunkAddress): void
}

export class Notifier {
  readonly #deps: NotifierDeps
  readonly #lines = new Map<PeerId, Owed[]>()
  readonly #owed = new Map<ChunkAddress, number>()
  #waiting = 0

  constructor(deps: NotifierDeps) {
    this.#deps = deps
  }

  owes(key: ChunkAddress): boolean {
    return this.#owed.has(key)
  }

  /** What finds no place is left to the hints of the next rounds. */
  add(peer: PeerId, key: ChunkAddress, paymentProof: Uint8Array): void {
    const { options, tasks } = this.#deps.parts
    if (this.#waiting >= options.notifyWaiting) return
    this.#waiting++
    this.#owed.set(key, (this.#owed.get(key) ?? 0) + 1)
    const owed = { key, paymentProof, tries: 0 }
    const line = this.#lines.get(peer)
    if (line) line.push(owed)
    else {
      this.#lines.set(peer, [owed])
      tasks.spawn('notify', (signal) => this.#tell(peer, signal))
    }
  }

  async #tell(peer: PeerId, signal: AbortSignal): Promise<void> {
    const { clock, messenger, options } = this.#deps.parts
    const line = this.#lines.get(peer) ?? []
    for (let owed = line.shift(); owed; owed = line.shift()) {
      const { key, paymentProof } = owed
      const sent = await messenger.tell(peer, { kind: 'paidNotify', key, paymentProof }, signal)
      if (!sent && ++owed.tries < options.notifyTries) line.push(owed)
      else this.#over(key)
      if (line.length > 0) await clock.sleep(options.notifyPauseMs, signal)
    }
    this.#lines.delete(peer)
  }

  #over(key: ChunkAddress): void {
    this.#waiting--
    const left = (this.#owed.get(key) ?? 1) - 1
    if (left > 0) this.#owed.set(key, left)
    else {
      this.#owed.delete(key)
      this.#deps.told(key)
    }
  }
}
