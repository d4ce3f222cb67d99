/** `node.json` in the node's folder: what other programs need to know of a running node. Removed at a clean stop. */
import { readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Logger, Startable } from '../base/index.ts'
import { formatSocketAddress, type PeerId, type SocketAddress } from '../protocol/index.ts'
import { type ChunkStore, type DiskState, sentenceOf, stateOfError } from '../storage/index.ts'

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
  /** Of the disk under the chunks, as in /health. */
  readonly disk_state: DiskState
  readonly disk_message: string
}

export function nodeMultiaddr(socket: SocketAddress, peerId: PeerId): string {
  return `/${socket.ip.includes(':') ? 'ip6' : 'ip4'}/${socket.ip}/udp/${socket.port}/quic/p2p/${peerId}`
}

interface Facts {
  readonly peerId: PeerId
  readonly address: SocketAddress
  readonly startedAt: number
  readonly disk: DiskState
}

export interface StatusFileDeps {
  readonly store: Pick<ChunkStore, 'onDisk'>
  readonly log: Logger
  facts(): Facts
}

/** Written at start and again whenever the disk enters another state. */
export class StatusFile implements Startable {
  readonly #folder: string
  readonly #deps: StatusFileDeps
  #unsubscribe: (() => void) | undefined
  #writing: Promise<void> = Promise.resolve()

  constructor(folder: string, deps: StatusFileDeps) {
    this.#folder = folder
    this.#deps = deps
  }

  async start(): Promise<void> {
    if (this.#unsubscribe) return
    try {
      await writeStatusFile(this.#folder, this.#deps.facts())
    } catch (error) {
      if (stateOfError(error) !== 'full') throw error
      // What is stored can be read all the same, and audits answered.
      const file = join(this.#folder, STATUS_FILE)
      this.#deps.log.warn('the disk has no room for the status file: other programs will not find this node', { file })
    }
    this.#unsubscribe = this.#deps.store.onDisk(() => {
      this.#writing = this.#writing.then(() => this.#rewrite())
    })
  }

  async stop(): Promise<void> {
    this.#unsubscribe?.()
    this.#unsubscribe = undefined
    await this.written()
    await removeStatusFile(this.#folder)
  }

  /** What was told so far stands in the file, or could not. */
  async written(): Promise<void> {
    await this.#writing
  }

  /** Often it is the very disk that takes no writes: the log has said so. */
  async #rewrite(): Promise<void> {
    try {
      await writeStatusFile(this.#folder, this.#deps.facts())
    } catch (error) {
      this.#deps.log.debug('the status file could not be written', { error })
    }
  }
}

async function writeStatusFile(folder: string, node: Facts): Promise<void> {
  const status: NodeStatus = {
    pid: process.pid,
    peer_id: node.peerId,
    address: nodeMultiaddr(node.address, node.peerId),
    socket: formatSocketAddress(node.address),
    started_at: new Date(node.startedAt).toISOString(),
    disk_state: node.disk,
    disk_message: sentenceOf(node.disk),
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

async function removeStatusFile(folder: string): Promise<void> {
  for (const file of [STATUS_FILE, `${STATUS_FILE}.tmp`]) await rm(join(folder, file), { force: true })
}
