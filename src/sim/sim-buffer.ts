/**
 * Memory of messages in one world. What a signer said of its content stays with it: as long as a message travels in
 * the memory that was signed, checking the signature is looking it up.
 */
export class SimBuffer extends ArrayBuffer {
  /** The MAC of the first `length` bytes under the secret of a key, as they were when they were signed. */
  signed: { readonly length: number; readonly own: Uint8Array; readonly mac: Uint8Array } | undefined
}
