/** What the tests of the file chunk store share: chunks from seeds, stores over real folders, files planted in them. */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { blake3 } from '@noble/hashes/blake3.js'
import { type Bytes, never, seededRandom, systemClock } from '../../../src/base/index.ts'
import { type ChunkAddress, chunkAddressOf } from '../../../src/protocol/index.ts'
import {
  type ChunkStore,
  createFileChunkStore,
  type FileChunkStoreOptions,
  type FileSystem,
  nodeFileSystem,
} from '../../../src/storage/index.ts'
import { tempFolder } from '../../support/temp.ts'

export function chunk(seed: number, length = 200) {
  const content: Bytes = seededRandom(seed).bytes(length)
  return { address: chunkAddressOf(blake3(content)), content }
}

export function newStore(
  directory: string,
  options?: Partial<FileChunkStoreOptions>,
  fileSystem = nodeFileSystem,
): ChunkStore {
  const deps = { clock: systemClock, random: seededRandom(1), fileSystem, hash: (c: Uint8Array) => blake3(c) as Bytes }
  return createFileChunkStore(directory, deps, options)
}

export const fileOf = (directory: string, address: ChunkAddress) =>
  join(directory, 'chunks', address.slice(-2), address)

export async function plant(
  directory: string,
  address: string,
  bytes: Uint8Array,
  shard = address.slice(-2),
): Promise<void> {
  await mkdir(join(directory, 'chunks', shard), { recursive: true })
  await writeFile(join(directory, 'chunks', shard, address), bytes)
}

/** The real file system with some calls replaced. */
export function altered(changes: Partial<FileSystem>): FileSystem {
  return Object.assign(Object.create(nodeFileSystem), changes) as FileSystem
}

export async function withStore(work: (store: ChunkStore, directory: string) => Promise<void>): Promise<void> {
  await using folder = await tempFolder()
  const store = newStore(folder.path)
  await store.start(never)
  try {
    await work(store, folder.path)
  } finally {
    await store.stop()
  }
}
