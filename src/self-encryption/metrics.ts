import type { Counter, Registry } from '../base/index.ts'

export interface SelfEncryptionMetrics {
  /** Plain bytes. */
  readonly sealedBytes: Counter
  readonly openedBytes: Counter
  /** Label: kind (missing, altered). */
  readonly badChunks: Counter
}

export function selfEncryptionMetrics(registry: Registry): SelfEncryptionMetrics {
  return {
    sealedBytes: registry.counter('myrmex_self_encryption_sealed_bytes', 'Plain bytes that were sealed into chunks'),
    openedBytes: registry.counter('myrmex_self_encryption_opened_bytes', 'Plain bytes that were opened from chunks'),
    badChunks: registry.counter('myrmex_self_encryption_bad_chunks_total', 'Chunks missing or altered when read'),
  }
}
