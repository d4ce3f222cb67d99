/** The caches of the routing table, as files in the node's folder. */
import { fromUtf8, utf8 } from '../base/index.ts'
import { FILE_LIMITS, PEER_FILE_NAMES, type PeerFileName, type PeerFiles } from '../dht/index.ts'
import { type FileSystem, StateFile } from '../storage/index.ts'

export function createPeerFiles(fileSystem: FileSystem, folder: string): PeerFiles {
  const file = (name: PeerFileName) =>
    new StateFile(fileSystem, { folder, name, maxBytes: FILE_LIMITS.maxBytes, mode: 0o600 })
  const files = new Map(PEER_FILE_NAMES.map((name) => [name, file(name)]))
  return {
    async read(name) {
      const found = await files.get(name)?.read()
      return found?.kind === 'found' ? fromUtf8(found.bytes) : undefined
    },
    async write(name, text) {
      await files.get(name)?.write(utf8(text))
    },
  }
}
