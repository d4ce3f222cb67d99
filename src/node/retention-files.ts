/** Files of replication: commitments that were shown (replication.md 14.2), pointers first; and what else it remembers. */
import type { ReplicationMemory, RetentionStore } from '../replication/index.ts'
import { type FileSystem, StateFile } from '../storage/index.ts'

/** 17 slots of a million keys are the most that could be in them; more is not read. */
const MAX_BYTES = 600_000_000

export function createRetentionFiles(fileSystem: FileSystem, folder: string): RetentionStore {
  const file = (name: string) => new StateFile(fileSystem, { folder, name, maxBytes: MAX_BYTES })
  const main = file('commitment_retention.bin')
  const pointers = file('commitment_retention_pointers.bin')
  return {
    async load() {
      const [found, foundPointers] = [await main.read(), await pointers.read()]
      if (found.kind !== 'found') return undefined
      return foundPointers.kind === 'found'
        ? { main: found.bytes, pointers: foundPointers.bytes }
        : { main: found.bytes }
    },
    async save(files) {
      await pointers.write(files.pointers)
      await main.write(files.main)
    },
  }
}

export const REPLICATION_FILE = 'replication.bin'

export function createReplicationMemory(fileSystem: FileSystem, folder: string): ReplicationMemory {
  const file = (maxBytes: number) => new StateFile(fileSystem, { folder, name: REPLICATION_FILE, maxBytes })
  const written = file(0)
  return {
    async load(maxBytes) {
      const found = await file(maxBytes).read()
      if (found.kind === 'unreadable') throw found.reason
      return found.kind === 'found' ? found.bytes : undefined
    },
    save: (bytes) => written.write(bytes),
  }
}
