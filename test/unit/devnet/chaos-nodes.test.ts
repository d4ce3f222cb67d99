/** Node processes under chaos, played by a program that only says where it listens. */
import assert from 'node:assert/strict'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { never, systemClock } from '../../../src/base/index.ts'
import { ChaosNodes } from '../../../src/devnet/chaos/nodes.ts'
import type { Devnet } from '../../../src/devnet/index.ts'
import type { Faults } from '../../../src/node/index.ts'
import { tempFolder } from '../../support/temp.ts'

/** No process has it. */
const NO_PID = 2 ** 30
const NEW_PORT = 4444
const addressOf = (port: number) => `/ip4/127.0.0.1/udp/${port}/quic/p2p/00`

/** Tells its status as a node does, and ends with its standard input. */
const PLAYER = `
import { mkdirSync, writeFileSync } from 'node:fs'
const folder = process.argv[process.argv.indexOf('--root-dir') + 1]
mkdirSync(folder, { recursive: true })
const status = { pid: process.pid, peer_id: '00', address: '${addressOf(NEW_PORT)}', socket: 'none' }
writeFileSync(folder + '/node.json', JSON.stringify(status))
process.stdin.resume().on('end', () => process.exit())
`

test('a node that comes while another one is cut off from all is one of all', async () => {
  await using temp = await tempFolder()
  const program = join(temp.path, 'player.mjs')
  await writeFile(program, PLAYER)
  const root = (slot: number) => join(temp.path, `node-${slot}`)
  const nodes = [0, 1, 2].map((index) => ({
    ...{ index, pid: NO_PID, peer_id: '00', address: addressOf(1000 + index), root_dir: root(index) },
  }))
  for (const { root_dir } of nodes) await mkdir(root_dir)
  const network = {
    nodes,
    folder: { rootDir: root, logPath: (slot: number) => join(temp.path, `${slot}.log`) },
    renew: async (record: (typeof nodes)[number]) => void nodes.splice(record.index, 1, record),
  }
  const options = { program: [process.execPath, program], logLevel: 'info' }
  const chaos = new ChaosNodes(network as unknown as Devnet, options, systemClock)
  const faults = async () => JSON.parse(await readFile(join(root(0), 'faults.json'), 'utf8')) as Faults
  await chaos.cut(0, [1, 2], false)
  assert.deepEqual((await faults()).cut_to, [1001, 1002])
  await chaos.replace(1, never)
  try {
    assert.deepEqual(
      [(await faults()).cut_to, (await faults()).cut_from],
      [
        [NEW_PORT, 1002],
        [NEW_PORT, 1002],
      ],
    )
    await chaos.mend(0)
    assert.deepEqual((await faults()).cut_to, [])
  } finally {
    await chaos.kill(1)
  }
})
