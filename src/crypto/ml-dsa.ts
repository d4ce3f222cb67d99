/**
 * Signer and Verifier over the kernels. Most messages are signed on the calling thread; one of at least `offloadBytes`
 * goes to a thread of the backend, or else to the compute pool when there is one, because signing and verifying hash
 * all of it.
 */
import { type Bytes, KiB } from '../base/index.ts'
import { type Compute, defineTask } from '../compute/index.ts'
import type { Backend, KeyPair, OffThread } from './backend.ts'
import { type MlDsaTaskInput, runMlDsa } from './ml-dsa-run.ts'
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

/** Beside this file, with its own extension: `.ts` in the repository, `.js` in the published package. */
export const mlDsaTask = defineTask<MlDsaTaskInput, Bytes | boolean>(
  import.meta.url.replace(/ml-dsa(\.\w+)$/, 'ml-dsa.task$1'),
  'ml-dsa',
)

/** Signs hedged, with fresh randomness for each signature (FIPS 204, 3.4). The key is copied. */
export function mlDsaSigner(key: SigningKey, backend: Backend, offload?: OffloadOptions): Signer {
  const { publicKey, secretKey } = keyPairOf(key, backend)
  return {
    publicKey,
    async sign(message, context) {
      const input: MlDsaTaskInput = { kind: 'sign', secretKey, message, ...(context && { context }) }
      return (await compute(input, backend, offload)) as Bytes
    },
  }
}

/** Anything wrong is false: lengths, types, an encoding that does not exist, a signal that was aborted. */
export function mlDsaVerifier(backend: Backend, offload?: OffloadOptions): Verifier {
  return {
    async verify(publicKey, message, signature, context) {
      try {
        const input: MlDsaTaskInput = { kind: 'verify', publicKey, message, signature, ...(context && { context }) }
        return (await compute(input, backend, offload)) === true
      } catch {
        return false
      }
    },
  }
}

async function compute(
  input: MlDsaTaskInput,
  backend: Backend,
  offload: OffloadOptions | undefined,
): Promise<Bytes | boolean> {
  if (input.message.length < (offload?.offloadBytes ?? OFFLOAD_BYTES)) return runMlDsa(input, backend)
  if (backend.offThread !== undefined) return runOffThread(input, backend.offThread)
  if (offload === undefined) return runMlDsa(input, backend)
  try {
    return await offload.compute.run(mlDsaTask, input, { signal: offload.signal, lane: 'interactive' })
  } catch (error) {
    // A pool that is busy or stopped says nothing about the signature: the work is done here instead.
    if (offload.signal.aborted) throw error
    return runMlDsa(input, backend)
  }
}

function runOffThread(input: MlDsaTaskInput, offThread: OffThread): Promise<Bytes | boolean> {
  const { message, context } = input
  if (input.kind === 'verify') return offThread.mlDsaVerify(input.publicKey, message, input.signature, context)
  return offThread.mlDsaSign(input.secretKey, message, context)
}

/**
 * BLAKE3 of chunk content for a node with an event loop to keep alive: large content goes to a thread of the backend
 * where it has one. The content is borrowed until it settles and must not be transferred meanwhile.
 */
export function contentHash(backend: Backend): (content: Uint8Array) => Bytes | Promise<Bytes> {
  const { offThread } = backend
  if (offThread === undefined) return (content) => backend.blake3(content)
  return (content) => (content.length < OFFLOAD_BYTES ? backend.blake3(content) : offThread.blake3(content))
}

function keyPairOf(key: SigningKey, backend: Backend): KeyPair {
  if ('seed' in key) return backend.mlDsaKeyPair(key.seed)
  const secretKey = (key instanceof Uint8Array ? key : key.secretKey).slice()
  return { secretKey, publicKey: key instanceof Uint8Array ? backend.mlDsaPublicKey(secretKey) : key.publicKey }
}
