/**
 * Child of the network rows: one client in a process of its own, with heap limits and profile as `myrmex file` gives
 * them. Arguments: the word `file`, then multiaddrs of nodes to join through.
 */
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { never, systemClock, systemRandom } from '../../../src/base/index.ts'
import { restartAsNeeded } from '../../../src/cli/restart.ts'
import { readMachineFacts } from '../../../src/machine/index.ts'
import { createClientNode, resolveProfile } from '../../../src/node/index.ts'
import { parseChunkAddress, parseMultiaddr } from '../../../src/protocol/index.ts'
import { serveSession } from '../session.ts'

restartAsNeeded(process.argv.slice(2))
const node = await createClientNode({
  seeds: process.argv.slice(3).map((text) => parseMultiaddr(text)),
  allowLoopback: true,
  clock: systemClock,
  tuning: resolveProfile(readMachineFacts()).tuning,
})
await node.start(never)
const { client } = node
let kept: Uint8Array = new Uint8Array(0)

async function timed<T>(work: () => Promise<T>): Promise<{ ms: number; result: T }> {
  const began = performance.now()
  const result = await work()
  return { ms: performance.now() - began, result }
}

async function sha256(path: string): Promise<string> {
  const hash = createHash('sha256')
  for await (const part of createReadStream(path)) hash.update(part as Uint8Array)
  return hash.digest('hex')
}

serveSession(async ([command, ...words]) => {
  const [first = '', second = ''] = words
  switch (command) {
    case 'ready':
      return { connected: node.network.connections().length }
    case 'upload': {
      const { ms, result } = await timed(() => client.uploadFile(first, { public: true }))
      return { ms, address: result.address }
    }
    case 'download': {
      const { ms } = await timed(() => client.downloadTo(parseChunkAddress(first), second, { overwrite: true }))
      return { ms }
    }
    // A chunk of random bytes, and the same back.
    case 'put': {
      kept = systemRandom.bytes(Number(first))
      const { ms, result } = await timed(() => client.putChunk(kept))
      return { ms, address: result.address }
    }
    case 'get': {
      const { ms, result } = await timed(() => client.getChunk(parseChunkAddress(first)))
      if (Buffer.compare(result, kept) !== 0) throw new Error('another chunk came back')
      return { ms }
    }
    // In order: nodes need not wait until they notice.
    case 'leave':
      await node.stop()
      return {}
    case 'sha256':
      return { sha256: await sha256(first) }
    default:
      throw new Error(`no command "${command}"`)
  }
})
