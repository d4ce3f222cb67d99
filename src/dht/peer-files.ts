/** Where the two small files of dht.md 12 are (port): the node has them on its disk, a simulation may have none. */
export const PEER_FILE_NAMES = ['close_group_cache.json', 'routing_snapshot.json'] as const
export type PeerFileName = (typeof PEER_FILE_NAMES)[number]

export interface PeerFiles {
  /** Text of the file; undefined when it is missing, not a plain file, too large, or cannot be read. */
  read(name: PeerFileName): Promise<string | undefined>
  /** Whole or not at all, mode 0600. */
  write(name: PeerFileName, text: string): Promise<void>
}
