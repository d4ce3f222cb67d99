/** Addresses whose payment was verified, so that a proof need not be read twice (payments.md 20; pure, memory only). */
import { LruMap } from '../base/index.ts'
import type { ChunkAddress } from '../protocol/index.ts'
import type { PaymentContext } from './ports.ts'

/** A stronger entry satisfies a weaker question, never the reverse. */
const STRENGTH: Readonly<Record<PaymentContext, number>> = { paidListAdmission: 1, freshReplication: 2, clientPut: 2 }

export class VerifiedPayments {
  readonly #strengths: LruMap<ChunkAddress, number>

  constructor(limit: number) {
    this.#strengths = new LruMap(limit)
  }

  get size(): number {
    return this.#strengths.size
  }

  satisfies(address: ChunkAddress, context: PaymentContext): boolean {
    return (this.#strengths.get(address) ?? 0) >= STRENGTH[context]
  }

  add(address: ChunkAddress, context: PaymentContext): void {
    this.#strengths.set(address, Math.max(STRENGTH[context], this.#strengths.get(address) ?? 0))
  }
}
