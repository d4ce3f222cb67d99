/**
 * Child of the in-process row: so many nodes in this one process, as `myrmex devnet start --in-process` makes them.
 * Arguments: the word `devnet`, a folder, how many.
 */
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { never, silentLogger, systemClock } from '../../../src/base/index.ts'
import { restartAsNeeded } from '../../../src/cli/restart.ts'
import { readMachineFacts } from '../../../src/machine/index.ts'
import { createStorageNode, resolveNodeSettings, resolveProfile, type StorageNode } from '../../../src/node/index.ts'
import { formatSocketAddress } from '../../../src/protocol/index.ts'
import { serveSession } from '../session.ts'

restartAsNeeded(process.argv.slice(2))
const [folder, count] = process.argv.slice(3) as [string, string]
const { tuning } = resolveProfile(readMachineFacts())
const nodes: StorageNode[] = []
for (let index = 0; index < Number(count); index++) {
  const rootDir = join(folder, String(index))
  await mkdir(rootDir, { recursive: true })
  const bootstrap = nodes.slice(0, 3).map((node) => formatSocketAddress(node.address))
  const settings = resolveNodeSettings({ rootDir, mode: 'development', payment: 'free', bootstrap })
  const node = await createStorageNode({ settings, logger: silentLogger, clock: systemClock, tuning })
  await node.start(never)
  nodes.push(node)
}

serveSession(async ([command]) => {
  if (command === 'tables') return { smallest: Math.min(...nodes.map(({ dht }) => dht.tableSize)) }
  if (command !== 'stop') throw new Error(`no command "${command}"`)
  await Promise.all(nodes.map((node) => node.stop()))
  return {}
})
