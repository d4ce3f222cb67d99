/** All nodes of a local network in this process, sharing one worker pool: real sockets, real disks. */
import { mkdir } from 'node:fs/promises'
import { silentLogger, systemClock } from '../base/index.ts'
import { readMachineFacts } from '../machine/index.ts'
import {
  createStorageNode,
  nodeMultiaddr,
  type ProfileRequest,
  resolveNodeSettings,
  resolveProfile,
  type StorageNode,
} from '../node/index.ts'
import { formatSocketAddress } from '../protocol/index.ts'
import type { DevnetFolder, DevnetNodeRecord } from './folder.ts'
import { BOOTSTRAP_NODES } from './manifest.ts'

export interface InProcessNodes {
  start(signal: AbortSignal, onProgress?: (done: number, total: number) => void): Promise<DevnetNodeRecord[]>
  stop(): Promise<void>
}

export function createInProcessNodes(folder: DevnetFolder, count: number, profile?: ProfileRequest): InProcessNodes {
  const nodes: StorageNode[] = []
  const { tuning } = resolveProfile(readMachineFacts(), profile)
  return {
    async start(signal, onProgress) {
      const records: DevnetNodeRecord[] = []
      for (let index = 0; index < count; index++) {
        const rootDir = folder.rootDir(index)
        await mkdir(rootDir, { recursive: true })
        const bootstrap = nodes.slice(0, BOOTSTRAP_NODES).map((node) => formatSocketAddress(node.address))
        const settings = resolveNodeSettings({ rootDir, mode: 'development', payment: 'free', bootstrap })
        const node = await createStorageNode({ settings, logger: silentLogger, clock: systemClock, tuning })
        nodes.push(node)
        await node.start(signal)
        records.push({
          index,
          pid: process.pid,
          peer_id: node.peerId,
          address: nodeMultiaddr(node.address, node.peerId),
          root_dir: rootDir,
        })
        onProgress?.(records.length, count)
      }
      return records
    },
    async stop() {
      await Promise.all(nodes.splice(0).map((node) => node.stop()))
    },
  }
}
