/**
 * Signing and verifying as ports. A real node uses ML-DSA-65 over the backend in force; the simulator uses a cheap
 * scheme that keeps the rules (same lengths, a forged signature fails). Both calls may leave the thread.
 */
import type { Bytes } from '../base/index.ts'

export interface Signer {
  /** 1952 bytes. */
  readonly publicKey: Uint8Array
  /** 3309 bytes over the message, borrowed until the promise settles. */
  sign(message: Uint8Array, context?: Uint8Array): Promise<Bytes>
}

export interface Verifier {
  /** Never throws: anything wrong is false. */
  verify(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array, context?: Uint8Array): Promise<boolean>
}
