/**
 * Signer and Verifier over the kernels. Most messages are signed on the calling thread; one of at least `offloadBytes`
 * goes to the compute pool when there is one, because signing and verifying hash all of it.
 */
import { type Bytes, KiB } from '../base/index.ts'
import { type Compute, defineTask } from '../compute/index.ts'
import type { Backend, KeyPair } from './backend.ts'
import type { MlDsaTaskInput } from './ml-dsa.task.ts'
import type { Signer, Verifier } from './signatures.ts'

export interface OffloadOptions {
  readonly compute: Compute
  /** Ends what is under way in the pool, so that stopping does not wait for it. */
  readonly signal: AbortSignal
  /** Messages of this many bytes and more leave the thread; OFFLOAD_BYTES by default. */
  readonly offloadBytes?: number
}

/** A 32-byte seed, a key pair, or an expanded secret key of 4032 bytes whose public key is worked out once. */
export type SigningKey = { readonly seed: Uint8Array } | KeyPair | Uint8Array

/** 256 KiB: SHAKE256 takes about 0.7 ms for it, several times the cost of a trip to the pool (design.md 4). */
export const OFFLOAD_BYTES = 256 * KiB

export const mlDsaTask = defineTask<MlDsaTaskInput, Bytes | boolean>(
  new URL('./ml-dsa.task.ts', import.meta.url),
  'ml-dsa',
)

/** Signs hedged, with fresh randomness for each signature (FIPS 204, 3.4). The key is copied. */
export function mlDsaSigner(key: SigningKey, backend: Backend, offload?: OffloadOptions): Signer {
  const { publicKey, secretKey } = keyPairOf(key, backend)
  return {
    publicKey,
    async sign(message, context) {
      const input = { kind: 'sign', secretKey, message, ...(context === undefined ? {} : { context }) } as const
      if (offload === undefined || message.length < (offload.offloadBytes ?? OFFLOAD_BYTES))
        return backend.mlDsaSign(secretKey, message, context === undefined ? {} : { context })
      return (await runTask(offload, input)) as Bytes
    },
  }
}

/** Anything wrong is false: lengths, types, an encoding that does not exist, a pool that was stopped. */
export function mlDsaVerifier(backend: Backend, offload?: OffloadOptions): Verifier {
  return {
    async verify(publicKey, message, signature, context) {
      const input = {
        kind: 'verify',
        publicKey,
        message,
        signature,
        ...(context === undefined ? {} : { context }),
      } as const
      try {
        if (offload === undefined || message.length < (offload.offloadBytes ?? OFFLOAD_BYTES))
          return backend.mlDsaVerify(publicKey, message, signature, context)
        return (await runTask(offload, input)) === true
      } catch {
        return false
      }
    },
  }
}

function runTask(offload: OffloadOptions, input: MlDsaTaskInput): Promise<Bytes | boolean> {
  return offload.compute.run(mlDsaTask, input, { signal: offload.signal, lane: 'interactive' })
}

function keyPairOf(key: SigningKey, backend: Backend): KeyPair {
  if ('seed' in key) return backend.mlDsaKeyPair(key.seed)
  const secretKey = (key instanceof Uint8Array ? key : key.secretKey).slice()
  return { secretKey, publicKey: key instanceof Uint8Array ? backend.mlDsaPublicKey(secretKey) : key.publicKey }
}
