/**
 * Replication among eight of the reference's own nodes: chunks that some of them have as files reach ours, chunks that
 * only ours have reach them, each audits the other. Needs PEER_BIN, root and `unshare` (`npm run test:interop`).
 *
 * INTEROP_MINUTES (5)  how long; audits of digests need more than an hour, of commitments some half an hour
 * INTEROP_OURS (2)     nodes of ours among the eight: more of them, more audits
 * INTEROP_KEEP         a folder that stays, for a look at all logs
 */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { minute, never, second, systemClock } from '../../src/base/index.ts'
import { backend } from '../../src/crypto/index.ts'
import { type ChunkAddress, chunkAddressOf } from '../../src/protocol/index.ts'
import { tempFolder } from '../support/temp.ts'
import { metricsOf, type OurNode, startOurNode, stopOurNode } from './our-nodes.ts'
import { counter, heldIn, reportOf, tableOf } from './replication-report.ts'
import { listPaid, StockNetwork } from './stock-network.ts'

const BIN = process.env['PEER_BIN']
const MINUTES = Number(process.env['INTEROP_MINUTES'] ?? 5)
const OURS = Number(process.env['INTEROP_OURS'] ?? 2)
const KEEP = process.env['INTEROP_KEEP']
const STOCK_NODES = 8
const HOLDERS = 5
const BASE_PORT = 22_000
const OUR_PORT = 22_100
const METRICS_PORT = 22_200
const FILTER = 'info,ant_node::replication=debug,saorsa_core::adaptive=debug,saorsa_core::trust=debug'

const SHARED_CHUNKS = 240
const OUR_CHUNKS = 40
const LARGE_EVERY = 16
const LARGE = 4 * 1024 * 1024
const NEUTRAL = 0.5

const say = (text: string) => console.log(`[interop] ${new Date().toISOString().slice(11, 19)} ${text}`)

async function until(what: string, limitMs: number, probe: () => Promise<boolean>): Promise<void> {
  const started = systemClock.monotonic()
  while (!(await probe())) {
    assert.ok(systemClock.monotonic() - started < limitMs, `${what}: not within ${limitMs / 1000} s`)
    await systemClock.sleep(second, never)
  }
}

describe('replication among stock nodes', {
  skip: BIN === undefined ? 'PEER_BIN is not set: no stock nodes on this machine' : false,
}, () => {
  let folder: { path: string; [Symbol.asyncDispose]?: () => PromiseLike<void> }
  let stock: StockNetwork
  const ours: OurNode[] = []
  /** Held by five stock nodes at the start. */
  const shared: ChunkAddress[] = []
  /** Held by one node of ours alone; the others know only that they are paid. */
  const onlyOurs: ChunkAddress[][] = Array.from({ length: OURS }, () => [])
  const seeds = [0, 1, 2].map((index) => `127.0.0.1:${BASE_PORT + index}`)

  const ourRoot = (index: number) => join(folder.path, `ours-${index}`)

  before(async () => {
    if (KEEP) await mkdir(KEEP, { recursive: true })
    folder = KEEP ? { path: KEEP } : await tempFolder()
    stock = new StockNetwork(folder.path, BIN as string, BASE_PORT, FILTER)
    for (let n = 0; n < SHARED_CHUNKS; n++) {
      const { address, content } = chunk(n)
      shared.push(address)
      for (let index = 0; index < HOLDERS; index++) await stock.placeChunk(index, address, content)
    }
    for (const [index, addresses] of onlyOurs.entries()) {
      for (let n = 0; n < OUR_CHUNKS; n++) {
        const { address, content } = chunk(n)
        addresses.push(address)
        const shard = join(ourRoot(index), 'chunks', address.slice(-2))
        await mkdir(shard, { recursive: true })
        await writeFile(join(shard, address), content)
      }
    }
    // What five of eleven hold has no quorum, what one holds still less: then only those move it that know it is paid.
    // Ours have to learn it of the shared chunks from the majority of the others.
    for (let index = 0; index < STOCK_NODES; index++)
      await listPaid(stock.rootDir(index), [...shared, ...onlyOurs.flat()])
    for (let index = 0; index < OURS; index++) await listPaid(ourRoot(index), onlyOurs.flat())
    for (let index = 0; index < STOCK_NODES; index++) {
      await stock.start(index, seeds.slice(0, Math.min(3, index)))
      await systemClock.sleep(200, never)
    }
    say(`${STOCK_NODES} stock nodes run, ${HOLDERS} of them with ${SHARED_CHUNKS} chunks`)
    // Not until they have caught up: paid chunks without a holder keep them from it until ours come.
    await until('stock nodes know each other', 2 * minute, async () => {
      const tables = await Promise.all(
        stock.nodes.map((one) => stock.linesOf(one, /Added peer [0-9a-f]{64} to DHT routing table/)),
      )
      // On a machine under load a pair of them may miss each other for minutes.
      return tables.every(({ length }) => length >= STOCK_NODES - 2)
    })
    for (let index = 0; index < OURS; index++) {
      ours.push(
        await startOurNode({
          ...{ rootDir: ourRoot(index), port: OUR_PORT + index, metricsPort: METRICS_PORT + index },
          ...{ bootstrap: seeds, logLevel: 'debug' },
        }),
      )
    }
    say(`${OURS} of ours run, each with ${OUR_CHUNKS} chunks that nobody else has: ${ours.map(({ peerId }) => peerId)}`)
  })

  after(async () => {
    for (const node of ours) await stopOurNode(node)
    await stock?.stop()
    await folder?.[Symbol.asyncDispose]?.()
  })

  test(`takes part for ${MINUTES} minutes`, { timeout: (MINUTES + 10) * minute }, async () => {
    const started = systemClock.monotonic()
    for (let passed = 0; passed < MINUTES * minute; passed = systemClock.monotonic() - started) {
      await systemClock.sleep(Math.min(minute, MINUTES * minute - passed), never)
      const served = await Promise.all(ours.map(keepMetrics))
      const held = await Promise.all([...ours, ...stock.nodes].map(async ({ rootDir }) => (await heldIn(rootDir)).size))
      say(
        `${Math.round((systemClock.monotonic() - started) / minute)} min: ours hold ${held.slice(0, OURS)} chunks, stock ${held.slice(OURS)}; served by ours ${served}`,
      )
    }
  })

  test('holds what it is responsible for, is fetched from, audited, and trusted as before', async () => {
    for (const node of ours) await stopOurNode(node)
    await stock.stop()
    const report = await reportOf(folder.path, { shared, ours: onlyOurs.flat() })
    say(`after ${MINUTES} minutes:\n${tableOf(report)}`)
    for (const one of report.ours) {
      const who = `ours ${one.peer.slice(0, 8)}`
      assert.deepEqual(one.missing, [], `${who} lacks chunks`)
      assert.ok(one.chunksFetched > 0 && one.chunksServed > 0, `${who}: chunks go both ways`)
      assert.ok(one.syncsAnswered > 0 && /answer [1-9]/.test(one.syncsAsked), `${who}: syncs go both ways`)
      assert.equal(one.failedAudits, 0, `${who} failed stock nodes: ${one.audits}`)
      assert.equal(one.undecodable, 0, `${who} did not understand them`)
    }
    for (const one of report.stock) {
      const who = `stock ${one.index}`
      assert.deepEqual(one.missing, [], `${who} lacks chunks that ours had`)
      assert.deepEqual([one.decodeErrors, one.rejectedFrames], [0, 0], `${who} did not understand ours`)
      for (const { ours: peer, lowestTrust, trustAtEnd, audits, complaints } of one.opinions) {
        const about = `${who} about ${peer.slice(0, 8)}: ${complaints.join('; ')}`
        assert.equal(audits['failed'] ?? 0, 0, about)
        assert.ok(lowestTrust >= NEUTRAL && (trustAtEnd ?? 0) >= NEUTRAL, about)
      }
    }
  })

  /** For the report, since they end with the node. Chunks served so far. */
  async function keepMetrics(node: OurNode, index: number): Promise<number> {
    const metrics = await metricsOf(node)
    await writeFile(join(folder.path, `metrics-${index}.txt`), metrics)
    return counter(metrics, 'myrmex_replication_requests_total', { kind: 'fetchRequest', outcome: 'answered' })
  }
})

/** Every sixteenth is as large as chunks get. */
function chunk(n: number): { address: ChunkAddress; content: Uint8Array } {
  const content = randomBytes(n % LARGE_EVERY === 0 ? LARGE : 1 + Math.floor(Math.random() * 300_000))
  return { address: chunkAddressOf(backend().blake3(content)), content }
}
