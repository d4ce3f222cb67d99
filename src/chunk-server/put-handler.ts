/** PUT of a chunk: nine steps, the first that fails answers (storage.md 10). */
import type { Logger } from '../base/index.ts'
import type { Dht } from '../dht/index.ts'
import { type PaymentVerdict, type PaymentVerifier, stripSidecars } from '../payment/index.ts'
import {
  ACCEPTANCE_WIDTH,
  type ChunkAddress,
  type ChunkProtocolError,
  keyOf,
  type PutResult,
} from '../protocol/index.ts'
import { type ChunkStore, type Hash, HashedContent } from '../storage/index.ts'
import { addressFault, responsibilityFault, sizeFault } from './admission.ts'
import { heldFailure, noRoomFailure, spoken, storageFailure } from './failures.ts'
import type { FreshChunk, FreshChunkSink, PointerPresence } from './ports.ts'

export interface PutDeps {
  readonly hash: Hash
  readonly store: Pick<ChunkStore, 'repair' | 'admits' | 'put' | 'disk'>
  readonly dht: Pick<Dht, 'isResponsible'>
  readonly payment: PaymentVerifier
  readonly pointers: PointerPresence
  readonly freshChunks: FreshChunkSink
  readonly log: Logger
}

export interface PutRequest {
  readonly address: ChunkAddress
  readonly content: Uint8Array
  readonly paymentProof?: Uint8Array
}

/** Never throws for what a peer or the disk does; rejects with the signal's reason when it is aborted. */
export async function handlePut(deps: PutDeps, request: PutRequest, signal: AbortSignal): Promise<PutResult> {
  const { address } = request
  // 1. size, 2. address
  const tooLarge = sizeFault(request.content.length)
  if (tooLarge) return refused(tooLarge)
  const content = await HashedContent.of(deps.hash, request.content)
  const mismatch = addressFault(address, content.address)
  if (mismatch) return refused(mismatch)
  // 3. no pointer of that address
  if (deps.pointers.has(address)) {
    return refused({ kind: 'storageFailed', message: 'a pointer lives at this address' })
  }
  // 4. held already: no proof is looked at, wrong bytes are mended
  const held = await repairHeld(deps, address, content)
  if (held) return held
  // 5. room, before any payment work
  const { length } = content.bytes
  if (!(await deps.store.admits(length))) return refused(noRoomFailure(deps.store.disk, length))
  // 6. responsibility
  const tooFar = responsibilityFault(deps.dht.isResponsible(keyOf(address), ACCEPTANCE_WIDTH))
  if (tooFar) return refused(tooFar)
  // 7. payment
  const verdict = await verifyPayment(deps, request, signal)
  if (verdict.kind === 'required') return { kind: 'paymentRequired', message: verdict.message }
  if (verdict.kind === 'refused') return refused({ kind: 'paymentFailed', message: verdict.message })
  // 8. store, 9. tell replication
  return storePaid(deps, request, content, verdict.paid)
}

async function repairHeld(
  deps: PutDeps,
  address: ChunkAddress,
  content: HashedContent,
): Promise<PutResult | undefined> {
  try {
    const outcome = await deps.store.repair(address, content)
    if (outcome === 'repaired') deps.log.info('a stored chunk with wrong bytes was mended by a put', { address })
    return outcome === 'absent' ? undefined : { kind: 'alreadyExists', address }
  } catch (error) {
    deps.log.warn('looking at a stored chunk failed', { address, error })
    return refused(heldFailure(error))
  }
}

async function verifyPayment(
  deps: PutDeps,
  { address, paymentProof }: PutRequest,
  signal: AbortSignal,
): Promise<PaymentVerdict> {
  try {
    return await deps.payment.verifyPayment(address, paymentProof, 'clientPut', { signal })
  } catch (error) {
    signal.throwIfAborted()
    deps.log.warn('verifying a payment failed', { address, error })
    return { kind: 'refused', message: spoken(error) }
  }
}

async function storePaid(
  deps: PutDeps,
  { address, paymentProof }: PutRequest,
  content: HashedContent,
  paid: FreshChunk['paid'],
): Promise<PutResult> {
  try {
    const outcome = await deps.store.put(address, content)
    // Twins of one put may meet here; one fan-out is enough. A put paid from the cache has no proof to hand on.
    if (outcome !== 'duplicate' && paymentProof) {
      const proof = stripSidecars(paymentProof).slice()
      deps.freshChunks.freshChunk({ address, proof, ...(paid ? { paid } : {}) })
    }
    return { kind: 'success', address }
  } catch (error) {
    deps.log.warn('storing a paid chunk failed', { address, error })
    return refused(storageFailure(error, 'the chunk cannot be stored'))
  }
}

function refused(error: ChunkProtocolError): PutResult {
  return { kind: 'error', error }
}
