/** Chunk files on the disk of a simulated node, seen from outside (storage.md 3). */
import { equal } from '../../base/index.ts'
import { backend } from '../../crypto/index.ts'
import { SIMULATED_ROOT, type SimulatedNode } from '../../devnet/index.ts'
import { type ChunkAddress, keyOf } from '../../protocol/index.ts'
import { shardOf } from '../../storage/index.ts'

const FOLDER = `${SIMULATED_ROOT}/chunks`
const ADDRESS_LENGTH = 64

/** Where the store of a node keeps the chunk. */
export function pathOf(address: ChunkAddress): string {
  return `${FOLDER}/${shardOf(address)}/${address}`
}

/**
 * Right copies that can be read now. What the store thinks of them is not asked: it may trust a file that rotted, and
 * doubt one after an error that is over. A store in memory is right by itself.
 */
export function copiesOn({ disk, options, store }: SimulatedNode): Iterable<ChunkAddress> {
  if (!disk.readable) return []
  return options.memoryStore ? store.keys() : (disk.rightFiles(FOLDER, isRight) as Iterable<ChunkAddress>)
}

function isRight(name: string, bytes: Uint8Array): boolean {
  return name.length === ADDRESS_LENGTH && equal(backend().blake3(bytes), keyOf(name as ChunkAddress))
}
