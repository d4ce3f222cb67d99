/** `node.json` in the node's folder: what other programs need to know of a running node. Removed at a clean stop. */
import { readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { formatSocketAddress, type PeerId, type SocketAddress } from '../protocol/index.ts'

export const STATUS_FILE = 'node.json'

/** On the standard input of a node with `--until-stdin-closes`: it lives on when the input ends. */
export const RELEASE_WORD = 'stay\n'

export interface NodeStatus {
  readonly pid: number
  readonly peer_id: string
  /** multiaddr with the peer id. */
  readonly address: string
  /** `ip:port` */
  readonly socket: string
  readonly started_at: string
}

export function nodeMultiaddr(socket: SocketAddress, peerId: PeerId): string {
  return `/${socket.ip.includes(':') ? 'ip6' : 'ip4'}/${socket.ip}/udp/${socket.port}/quic/p2p/${peerId}`
}

export async function writeStatusFile(
  folder: string,
  node: { peerId: PeerId; address: SocketAddress; startedAt: number },
): Promise<void> {
  const status: NodeStatus = {
    pid: process.pid,
    peer_id: node.peerId,
    address: nodeMultiaddr(node.address, node.peerId),
    socket: formatSocketAddress(node.address),
    started_at: new Date(node.startedAt).toISOString(),
  }
  const path = join(folder, STATUS_FILE)
  await writeFile(`${path}.tmp`, `${JSON.stringify(status, undefined, 2)}\n`)
  await rename(`${path}.tmp`, path)
}

/** undefined when there is none, or none that makes sense. */
export async function readStatusFile(folder: string): Promise<NodeStatus | undefined> {
  try {
    const status = JSON.parse(await readFile(join(folder, STATUS_FILE), 'utf8')) as Partial<NodeStatus>
    const complete =
      typeof status.pid === 'number' &&
      typeof status.peer_id === 'string' &&
      typeof status.address === 'string' &&
      typeof status.socket === 'string'
    return complete ? (status as NodeStatus) : undefined
  } catch {
    return undefined
  }
}

export async function removeStatusFile(folder: string): Promise<void> {
  await rm(join(folder, STATUS_FILE), { force: true })
}
