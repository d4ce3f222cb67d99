/** What a node was told while its disk took nothing, it has soon after the disk is well again. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { hour, minute, second, seededRandom } from '../../src/base/index.ts'
import { SIMULATED_ROOT, SimulatedDevnet, type SimulatedNode } from '../../src/devnet/index.ts'
import type { ChunkAddress } from '../../src/protocol/index.ts'

const SEED = Number(process.env['SIM_SEED'] ?? 61)
const NODES = 12

interface Illness {
  readonly name: string
  readonly lasts: number
  fall(node: SimulatedNode): void
}

const AWAY = ({ disk }: SimulatedNode) => disk.unplug(SIMULATED_ROOT)
const ILLNESSES: readonly Illness[] = [
  { name: 'away for a minute', lasts: minute, fall: AWAY },
  { name: 'away for three quarters of an hour', lasts: 45 * minute, fall: AWAY },
  { name: 'full for two minutes', lasts: 2 * minute, fall: ({ disk }) => (disk.capacityBytes = 0) },
  { name: 'read-only for two minutes', lasts: 2 * minute, fall: ({ disk }) => disk.fail({ readOnly: true }) },
  { name: 'failing for two minutes', lasts: 2 * minute, fall: ({ disk }) => disk.fail({ failing: 'everything' }) },
]

function heal({ disk }: SimulatedNode): void {
  disk.capacityBytes = Number.MAX_SAFE_INTEGER
  disk.fail({})
  disk.plugIn()
}

interface Recovery {
  /** Chunks that came while the disk was ill and that the node is responsible for. */
  readonly owed: number
  /** Seconds until it held them and all it should list as paid. */
  readonly seconds: number
}

async function recovery({ lasts, fall }: Illness, seed: number): Promise<Recovery> {
  const net = new SimulatedDevnet({ seed })
  await net.start(NODES)
  await net.world.advance(minute)
  const client = await net.connectClient('people')
  const dice = seededRandom(seed)
  const chunks: ChunkAddress[] = []
  const put = async (count: number) => {
    const contents = Array.from({ length: count }, () => dice.bytes(1000))
    const puts = await net.world.run(() => Promise.all(contents.map((content) => client.putChunk(content))))
    for (const { address } of puts) chunks.push(address)
  }
  await put(10)
  await net.world.advance(minute)
  const ill = net.nodes[3] as SimulatedNode
  fall(ill)
  for (let sixth = 0; sixth < 6; sixth++) {
    await put(5)
    await net.world.advance(lasts / 6)
  }
  const missing = () => chunks.filter((chunk) => net.isCloseGroup(ill, chunk) && !ill.store.has(chunk)).length
  // Twelve nodes: each is among the twenty nearest.
  const unlisted = () => chunks.filter((chunk) => !ill.paidList.has(chunk)).length
  const owed = missing()
  heal(ill)
  let waited = 0
  for (; missing() + unlisted() > 0 && waited < hour; waited += second) await net.world.advance(second)
  await net.stop()
  return { owed, seconds: waited / second }
}

for (const illness of ILLNESSES) {
  test(`a disk that was ${illness.name}: all that came meanwhile is there soon (SIM_SEED=${SEED})`, async () => {
    const { owed, seconds } = await recovery(illness, SEED)
    assert.ok(owed >= 8, `seed ${SEED}: ${owed} chunks were owed`)
    // A disk is probed every 5 s at first and once a minute at last.
    const probed = Math.min(60, illness.lasts / second)
    assert.ok(seconds <= 30 + probed, `seed ${SEED}: ${owed} chunks, ${seconds} s`)
    console.log(`seed ${SEED}, ${illness.name}: ${owed} chunks after ${seconds} s`)
  })
}
