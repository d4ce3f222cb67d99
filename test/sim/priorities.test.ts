/**
 * Reads come before copies (docs/adr/0012): whole nodes on narrow lines lose three neighbours and repair, while a
 * client downloads. All sizes are a sixteenth of real ones, lines too.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { KiB, never, seededRandom } from '../../src/base/index.ts'
import type { Client } from '../../src/client/index.ts'
import { SimulatedDevnet, type SimulatedNode } from '../../src/devnet/index.ts'
import { SEND_LANE_DEFAULTS, type SendLaneOptions } from '../../src/network/index.ts'
import { type ChunkAddress, type Key, MAX_CHUNK_BYTES } from '../../src/protocol/index.ts'

const SEED = Number(process.env['SIM_SEED'] ?? 31)
const SCALE = 16
const CHUNK = MAX_CHUNK_BYTES / SCALE
/** 100 Mbit/s, each way. */
const LINE = 12_500_000 / SCALE
const READ = 32
const HELD = 64
const GROUP = 7

interface Run {
  /** Virtual milliseconds. */
  readonly downloadMs: number
  readonly lookupsMs: readonly number[]
  /** Copies made while the download ran, and how long all of them took. */
  readonly copies: number
  readonly repairMs: number
}

/** Copies are let out as long as `copying` says so. */
function scaled(enabled: boolean, copying: () => boolean): SendLaneOptions {
  const { lanes } = SEND_LANE_DEFAULTS
  const { load, ownerLoad, waiting, ...rest } = lanes.spread
  const spread = {
    ...{ ...rest, load: load / SCALE, ownerLoad: ownerLoad / SCALE },
    get waiting() {
      return copying() ? waiting : 0
    },
  }
  return { ...SEND_LANE_DEFAULTS, enabled, lanes: { ...lanes, spread } }
}

/** A network that has just lost three nodes, in the middle of whatever it does about that. */
class Town {
  readonly net: SimulatedDevnet
  readonly #dice = seededRandom(SEED)
  chunks: ChunkAddress[] = []

  constructor(lanes: SendLaneOptions) {
    // Lists of nodes have 66 KB: they share the line with chunks, as packets of many connections do.
    const network = { bandwidth: LINE, smallMessageBytes: 128 * KiB }
    this.net = new SimulatedDevnet({ seed: SEED, network }, { tuning: { network: { lanes } } })
  }

  get live(): SimulatedNode[] {
    return this.net.nodes.filter(({ host }) => host.up)
  }
  get copies(): number {
    return this.chunks.reduce((sum, chunk) => sum + this.live.filter(({ store }) => store.has(chunk)).length, 0)
  }
  get now(): number {
    return this.net.world.clock.monotonic()
  }

  async fill(client: Client): Promise<void> {
    const { world } = this.net
    await this.net.start(14)
    await world.advance(60_000)
    await world.run(() =>
      inParallel(6, READ + HELD, async () => {
        const { address } = await client.putChunk(this.#dice.bytes(CHUNK))
        this.chunks.push(address as ChunkAddress)
      }),
    )
    await world.advance(120_000)
    assert.equal(this.copies, GROUP * this.chunks.length, `seed ${SEED}: everything is spread`)
  }

  /** Resolves when the loss was noticed: copies are on their way. */
  async lose(): Promise<void> {
    for (const node of this.net.nodes.slice(3, 6)) this.net.kill(node)
    await this.net.world.advance(NOTICED_MS)
  }

  async read(client: Client): Promise<Pick<Run, 'downloadMs' | 'lookupsMs'>> {
    const from = this.now
    const lookupsMs: number[] = []
    let reading = true
    const asker = this.live[1] as SimulatedNode
    const lookups = async () => {
      while (reading) {
        const began = this.now
        await asker.dht.lookup(this.#dice.bytes(32) as Key, 8, { signal: never })
        lookupsMs.push(this.now - began)
      }
    }
    const download = inParallel(8, READ, async (i) => {
      await client.getChunk(this.chunks[i] as ChunkAddress)
    }).finally(() => (reading = false))
    await this.net.world.run(() => Promise.all([download, lookups()]))
    return { downloadMs: this.now - from, lookupsMs }
  }

  async repaired(): Promise<void> {
    for (let i = 0; i < 200 && this.copies < GROUP * this.chunks.length; i++) await this.net.world.advance(250)
  }
}

/** Neighbours are found dead within 20 s, and told of what they hold now some seconds later. */
const NOTICED_MS = 33_000

async function run(how: 'no copies' | 'no lanes' | 'lanes'): Promise<Run> {
  let copying = true
  const town = new Town(scaled(how !== 'no lanes', () => copying))
  await town.net.start(1)
  const line = { bandwidth: 20 * LINE }
  const writer = await town.net.connectClient('writer', line)
  await town.fill(writer)
  const reader = await town.net.connectClient('reader', line)
  copying = how !== 'no copies'
  await town.lose()
  const [from, before] = [town.now, town.copies]
  const read = await town.read(reader)
  const copies = town.copies - before
  if (copies > 0) await town.repaired()
  const repairMs = town.now - from
  await town.net.stop()
  return { ...read, copies, repairMs }
}

async function inParallel(width: number, count: number, work: (i: number) => Promise<void>): Promise<void> {
  let next = 0
  const worker = async () => {
    while (next < count) await work(next++)
  }
  await Promise.all(Array.from({ length: width }, worker))
}

const mean = (numbers: readonly number[]) => numbers.reduce((sum, each) => sum + each, 0) / numbers.length

test(`a download during repair is nearly as fast as without it, and was not without lanes (SIM_SEED=${SEED})`, {
  timeout: 600_000,
}, async () => {
  const quiet = await run('no copies')
  const lanes = await run('lanes')
  const none = await run('no lanes')
  const said = `seed ${SEED}: ${JSON.stringify({ quiet, lanes, none }, (name, value) => (name === 'lookupsMs' ? mean(value) : value))}`
  if (process.env['SIM_SHOW']) console.log(`# ${said}`)
  assert.equal(quiet.copies, 0, said)
  assert.ok(lanes.downloadMs < 1.25 * quiet.downloadMs, said)
  assert.ok(none.downloadMs > 1.3 * quiet.downloadMs, said)
  assert.ok(lanes.copies > 0, `the repair goes on meanwhile; ${said}`)
  assert.ok(lanes.repairMs < 2 * none.repairMs, said)
  assert.ok(mean(lanes.lookupsMs) < 1.25 * mean(quiet.lookupsMs), `lookups never wait; ${said}`)
})
