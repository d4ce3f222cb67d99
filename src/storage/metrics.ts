import type { Counter, Gauge, Registry } from '../base/index.ts'
import type { StoreStats } from './chunk-store.ts'

export interface StorageMetrics {
  readonly chunksStored: Counter
  readonly chunksRetrieved: Counter
  readonly bytesStored: Counter
  readonly bytesRetrieved: Counter
  readonly duplicates: Counter
  readonly repairs: Counter
  readonly verificationFailures: Counter
  readonly refusedFull: Counter
  /** By label `state`: 1 for the state that the disk is in. */
  readonly diskState: Gauge
  readonly diskStateChanges: Counter
  readonly refusedDisk: Counter
}

export function createStorageMetrics(registry: Registry, current: () => number): StorageMetrics {
  registry.gauge('myrmex_storage_chunks', 'Chunks held and readable as far as known.', current)
  const counter = (name: string, help: string) => registry.counter(`myrmex_storage_${name}_total`, help)
  return {
    chunksStored: counter('chunks_stored', 'Chunks written.'),
    chunksRetrieved: counter('chunks_retrieved', 'Chunks read for somebody.'),
    bytesStored: counter('stored_bytes', 'Chunk bytes written.'),
    bytesRetrieved: counter('retrieved_bytes', 'Chunk bytes read for somebody.'),
    duplicates: counter('duplicates', 'Puts of chunks that were held already.'),
    repairs: counter('repairs', 'Puts that replaced wrong bytes.'),
    verificationFailures: counter('verification_failures', 'Reads whose bytes did not match their address.'),
    refusedFull: counter('refused_full', 'Writes refused for want of space.'),
    diskState: registry.gauge('myrmex_storage_disk_state', 'State of the disk: 1 for the one that holds.'),
    refusedDisk: counter('refused_disk', 'Writes refused at once, by the state of the disk.'),
    diskStateChanges: counter('disk_state_changes', 'Times that the disk entered a state.'),
  }
}

export function statsOf(metrics: StorageMetrics, currentChunks: number): StoreStats {
  return {
    chunksStored: metrics.chunksStored.value(),
    chunksRetrieved: metrics.chunksRetrieved.value(),
    bytesStored: metrics.bytesStored.value(),
    bytesRetrieved: metrics.bytesRetrieved.value(),
    duplicates: metrics.duplicates.value(),
    verificationFailures: metrics.verificationFailures.value(),
    currentChunks,
  }
}
