/** The checks that need nothing but the request and a few facts (pure): undefined means that the step is passed. */
import { type ChunkAddress, type ChunkProtocolError, MAX_CHUNK_BYTES, SETTLEMENT_VERSION } from '../protocol/index.ts'

/** For contents and announced sizes; sizes above 2^53 - 1 are named as that. */
export function sizeFault(sizeBytes: number | bigint): ChunkProtocolError | undefined {
  if (sizeBytes <= MAX_CHUNK_BYTES) return undefined
  const size = sizeBytes > Number.MAX_SAFE_INTEGER ? Number.MAX_SAFE_INTEGER : Number(sizeBytes)
  return { kind: 'chunkTooLarge', size, maxSize: MAX_CHUNK_BYTES }
}

export function addressFault(expected: ChunkAddress, actual: ChunkAddress): ChunkProtocolError | undefined {
  return expected === actual ? undefined : { kind: 'addressMismatch', expected, actual }
}

export function responsibilityFault(responsible: boolean): ChunkProtocolError | undefined {
  if (responsible) return undefined
  return { kind: 'storageFailed', message: 'node is not within its local closest peers for this address' }
}

/** wire.md 16.3: one version is current and oldest at the same time. */
export function settlementFault(clientVersion: number): ChunkProtocolError | undefined {
  if (clientVersion < SETTLEMENT_VERSION) {
    return { kind: 'clientUpdateRequired', clientVersion, minVersion: SETTLEMENT_VERSION }
  }
  if (clientVersion === SETTLEMENT_VERSION) return undefined
  return { kind: 'storerUpdateRequired', clientVersion, nodeVersion: SETTLEMENT_VERSION }
}
