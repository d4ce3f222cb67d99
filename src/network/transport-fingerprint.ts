/** A second name of a key, next to the PeerId: it only decides who wins a simultaneous open (wire.md 4, 7.3). */
import { type Bytes, compare, concat, utf8 } from '../base/index.ts'
import { backend } from '../crypto/index.ts'

const PREFIX = utf8('AUTONOMI_PEER_ID_V2:')

/** BLAKE3 of the prefix and the public key: 32 bytes. */
export function transportFingerprint(publicKey: Uint8Array): Bytes {
  return backend().blake3(concat([PREFIX, publicKey]))
}

/** Whether `own` comes before the fingerprint of `publicKey`. */
export function isLowerThan(own: Uint8Array, publicKey: Uint8Array): boolean {
  return compare(own, transportFingerprint(publicKey)) < 0
}
