/**
 * What round 1 may read and hash (replication.md 2.3). It is charged afterwards, when the sizes are known, so the
 * balance may fall below zero; then nobody is served until it has recovered.
 */
import { second } from '../base/index.ts'
import type { SubtreeLeaf } from '../protocol/index.ts'
import { type AuditOptions, defaultAuditOptions } from './options.ts'

export class WorkBudget {
  readonly #options: AuditOptions
  #balance: number
  #at: number

  constructor(now: number, options: AuditOptions = defaultAuditOptions) {
    this.#options = options
    this.#balance = options.workBurstBytes
    this.#at = now
  }

  admits(now: number): boolean {
    this.#refill(now)
    return this.#balance > 0
  }

  /** Bytes left, below zero after a large audit. */
  balance(now: number): number {
    this.#refill(now)
    return this.#balance
  }

  charge(leaves: readonly Pick<SubtreeLeaf, 'contentLength'>[], now: number): void {
    this.#refill(now)
    const { workMinLeafBytes, workBurstBytes } = this.#options
    let bytes = 0
    for (const { contentLength } of leaves) bytes += Math.max(contentLength, workMinLeafBytes)
    this.#balance = Math.max(this.#balance - bytes, -workBurstBytes)
  }

  #refill(now: number): void {
    const { workRefillBytesPerSecond, workBurstBytes } = this.#options
    const gained = (Math.max(0, now - this.#at) / second) * workRefillBytesPerSecond
    this.#balance = Math.min(workBurstBytes, this.#balance + gained)
    this.#at = now
  }
}
