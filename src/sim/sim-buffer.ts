/**
 * Memory of messages in one world. What a signer said of its content stays with it: as long as a message travels in
 * the memory that was signed, checking the signature is looking it up.
 */
import type { Bytes } from '../base/index.ts'

/** The MAC of `length` bytes from `at` on, under the secret of a key, as they were when they were signed. */
export interface SignedHere {
  readonly at: number
  readonly length: number
  readonly own: Uint8Array
  readonly mac: Uint8Array
}

export class SimBuffer extends ArrayBuffer {
  readonly signed: SignedHere[] = []
}

/** Holds some ten messages, and is less than what anybody gives back by hand (`release`). */
const SHEET_BYTES = 60 * 1024
/** Larger messages have memory of their own. */
const SHARED_BYTES = 16 * 1024

/** Cuts memory for messages from larger pieces: making memory costs more than filling it. */
export class SimMemory {
  #sheet = new SimBuffer(0)
  #used = 0

  allocate(bytes: number): Bytes {
    if (bytes > SHARED_BYTES) return new Uint8Array(new SimBuffer(bytes))
    if (this.#used + bytes > this.#sheet.byteLength) {
      this.#sheet = new SimBuffer(SHEET_BYTES)
      this.#used = 0
    }
    const cut = new Uint8Array(this.#sheet, this.#used, bytes)
    this.#used += bytes
    return cut
  }
}
