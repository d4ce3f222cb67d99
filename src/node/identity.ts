/** Who we are: an ML-DSA-65 key pair and the PeerId made of it (wire.md 4). */
import { type Bytes, CodedError, systemRandom } from '../base/index.ts'
import {
  backend,
  type KeyPair,
  ML_DSA_PUBLIC_KEY_BYTES,
  ML_DSA_SECRET_KEY_BYTES,
  mlDsaSigner,
  type Signer,
} from '../crypto/index.ts'
import { type PeerId, peerIdOf } from '../protocol/index.ts'
import { NodeError } from './errors.ts'

export interface Identity {
  readonly peerId: PeerId
  readonly publicKey: Bytes
  /** 4032 bytes; stays in this process and in the key file. */
  readonly secretKey: Bytes
  readonly signer: Signer
}

/** A new identity from the operating system's randomness. */
export function generateIdentity(): Identity {
  return identityOf(backend().mlDsaKeyPair(systemRandom.bytes(32)))
}

export function identityOf(pair: KeyPair): Identity {
  return {
    peerId: peerIdOf(backend().blake3(pair.publicKey)),
    publicKey: pair.publicKey,
    secretKey: pair.secretKey,
    signer: mlDsaSigner(pair, backend()),
  }
}

/** An identity of two keys read from somewhere: refused unless they belong together. */
export function verifiedIdentity(publicKey: Bytes, secretKey: Bytes, origin: string): Identity {
  const corrupt = (why: string) =>
    new NodeError(
      'NODE_IDENTITY_CORRUPT',
      `${origin} is not a usable identity: ${why}. Restore it from a backup, or move it away to start with a new identity.`,
    )
  if (publicKey.length !== ML_DSA_PUBLIC_KEY_BYTES)
    throw corrupt(`the public key has ${publicKey.length} bytes, not ${ML_DSA_PUBLIC_KEY_BYTES}`)
  if (secretKey.length !== ML_DSA_SECRET_KEY_BYTES)
    throw corrupt(`the secret key has ${secretKey.length} bytes, not ${ML_DSA_SECRET_KEY_BYTES}`)
  const probe = systemRandom.bytes(32)
  let matches: boolean
  try {
    matches = backend().mlDsaVerify(publicKey, probe, backend().mlDsaSign(secretKey, probe))
  } catch (error) {
    if (error instanceof CodedError) throw corrupt(error.message)
    throw error
  }
  if (!matches) throw corrupt('its secret key does not belong to its public key')
  return identityOf({ publicKey, secretKey })
}
