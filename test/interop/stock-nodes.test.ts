/**
 * Our node among eight of the reference's own, our client reading from them. Needs PEER_BIN (folder with `ant-node`),
 * root and `unshare`; `npm run test:interop` puts the whole test into a network namespace of its own.
 * INTEROP_MINUTES (20) is how long our node must stay in good standing.
 */
import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { createLogger, formatText, minute, never, second, systemClock, systemRandom } from '../../src/base/index.ts'
import { backend } from '../../src/crypto/index.ts'
import {
  type ClientNode,
  createClientNode,
  createStorageNode,
  resolveNodeSettings,
  type StorageNode,
} from '../../src/node/index.ts'
import { chunkAddressOf, keyOf, quicMultiaddr } from '../../src/protocol/index.ts'
import { tempFolder } from '../support/temp.ts'
import { StockNetwork } from './stock-network.ts'

const BIN = process.env['PEER_BIN']
const MINUTES = Number(process.env['INTEROP_MINUTES'] ?? 20)
const STOCK_NODES = 8
const BASE_PORT = 21_000

const say = (text: string) => console.log(`[interop] ${text}`)

async function until(what: string, limitMs: number, probe: () => Promise<boolean>): Promise<number> {
  const started = systemClock.monotonic()
  while (!(await probe())) {
    assert.ok(systemClock.monotonic() - started < limitMs, `${what}: not within ${limitMs / 1000} s`)
    await systemClock.sleep(250, never)
  }
  return (systemClock.monotonic() - started) / 1000
}

describe('among stock nodes', {
  skip: BIN === undefined ? 'PEER_BIN is not set: no stock nodes on this machine' : false,
}, () => {
  let folder: Awaited<ReturnType<typeof tempFolder>>
  let stock: StockNetwork
  let node: StorageNode
  let client: ClientNode
  const content = systemRandom.bytes(3_000_000)
  const placed = chunkAddressOf(backend().blake3(content))
  const seeds = [0, 1, 2].map((index) => `127.0.0.1:${BASE_PORT + index}`)

  before(async () => {
    folder = await tempFolder()
    stock = new StockNetwork(folder.path, BIN as string, BASE_PORT)
    await stock.placeChunk(5, placed, content)
    for (let index = 0; index < STOCK_NODES; index++) {
      await stock.start(index, seeds.slice(0, Math.min(3, index)))
      await systemClock.sleep(200, never)
    }
    await until('stock nodes know each other', 60 * second, async () => {
      const tables = await Promise.all(
        stock.nodes.map((one) => stock.linesOf(one, /Added peer [0-9a-f]{64} to DHT routing table/)),
      )
      return tables.every((lines) => lines.length >= STOCK_NODES - 1)
    })
    say(`${STOCK_NODES} stock nodes run`)
    const settings = resolveNodeSettings({
      rootDir: folder.path,
      mode: 'development',
      rewardsAddress: `0x${'11'.repeat(20)}`,
      bootstrap: seeds,
    })
    const level = process.env['INTEROP_LOG'] === 'debug' ? 'debug' : 'warn'
    const logger = createLogger({ clock: systemClock, level, sink: (record) => console.log(formatText(record)) })
    node = await createStorageNode({ settings, clock: systemClock, logger })
    client = await createClientNode({
      seeds: [3, 4].map((index) => quicMultiaddr({ ip: '127.0.0.1', port: BASE_PORT + index })),
      allowLoopback: true,
      clock: systemClock,
    })
  })

  after(async () => {
    await client?.stop()
    await node?.stop()
    await stock?.stop()
    await folder?.[Symbol.asyncDispose]()
  })

  const tablesWithUs = async () => {
    const logs = await Promise.all(
      stock.nodes
        .slice(0, STOCK_NODES)
        .map((one) => stock.linesOf(one, new RegExp(`Added peer ${node.peerId} to DHT routing table`))),
    )
    return logs.filter((lines) => lines.length > 0).length
  }

  test('is admitted to every routing table', async () => {
    await node.start(never)
    const seconds = await until('all tables list us', 60 * second, async () => (await tablesWithUs()) === STOCK_NODES)
    say(
      `admitted by ${STOCK_NODES} of ${STOCK_NODES} stock nodes after ${seconds.toFixed(1)} s; ours lists ${node.dht.tableSize}`,
    )
    assert.ok(node.dht.tableSize >= STOCK_NODES)
  })

  test('its address publications are taken', async () => {
    const seconds = await until('publications', 60 * second, async () => {
      const logs = await Promise.all(
        stock.nodes.map((one) => stock.linesOf(one, new RegExp(`Handling PUBLISH_ADDRESS_SET from ${node.peerId}`))),
      )
      return logs.filter((lines) => lines.length > 0).length >= STOCK_NODES
    })
    say(`all handled our address publication after ${seconds.toFixed(1)} s more`)
  })

  test('a third party finds us through stock nodes, with our address', async () => {
    await client.start(never)
    const { closest } = await client.dht.lookup(keyOf(node.peerId), 8, { signal: never })
    const found = closest.find(({ peer }) => peer === node.peerId)
    assert.ok(found, `the lookup gave ${closest.map(({ peer }) => peer.slice(0, 8))}`)
    const port = node.address.port
    assert.ok(
      found.addresses.some(({ address }) => address.socket?.port === port),
      JSON.stringify(found.addresses.map(({ address }) => address.text)),
    )
    say(`found through third parties at ${found.addresses.map(({ address }) => address.text).join(', ')}`)
  })

  test('a stock node joins through us alone: it dials, we accept', async () => {
    const newcomer = await stock.start(STOCK_NODES, [`127.0.0.1:${node.address.port}`])
    const seconds = await until(
      'the newcomer lists us',
      60 * second,
      async () => (await stock.linesOf(newcomer, new RegExp(`Added peer ${node.peerId} to`))).length > 0,
    )
    const accepted = node.network
      .connections()
      .filter(({ side, userAgent }) => side === 'acceptor' && userAgent.startsWith('node/0.23')).length
    assert.ok(accepted > 0, 'no stock node dialled us')
    await until(
      'the newcomer learns the others from us',
      60 * second,
      async () => (await stock.linesOf(newcomer, /Added peer [0-9a-f]{64} to DHT/)).length >= STOCK_NODES,
    )
    say(
      `a ninth stock node joined through us after ${seconds.toFixed(1)} s and learnt the others from us; ${accepted} stock connections were dialled by them`,
    )
  })

  test('our client reads a chunk that a stock node had as a file', async () => {
    const read = await client.client.getChunk(placed, { signal: never })
    assert.deepEqual(Buffer.from(read), Buffer.from(content))
    say(`read ${content.length} bytes of ${placed.slice(0, 16)}… from the stock network`)
  })

  test(`stays for ${MINUTES} minutes, answers neighbour syncs, keeps its standing`, {
    timeout: (MINUTES + 5) * minute,
  }, async () => {
    const started = systemClock.monotonic()
    for (let passed = 0; passed < MINUTES * minute; passed = systemClock.monotonic() - started) {
      await systemClock.sleep(Math.min(minute, MINUTES * minute - passed), never)
      const rss = Math.round(process.memoryUsage.rss() / 1024 / 1024)
      say(
        `${Math.round((systemClock.monotonic() - started) / minute)} min: table ${node.dht.tableSize}, connections ${node.network.connections().length}, syncs answered ${answered('neighborSyncRequest')}, ${rss} MiB`,
      )
    }
    const { closest } = await client.dht.lookup(keyOf(node.peerId), 8, { signal: never })
    assert.ok(
      closest.some(({ peer }) => peer === node.peerId),
      'no longer found',
    )
    for (const one of stock.nodes) {
      const faults = await stock.linesOf(one, new RegExp(`(Removed|Evict|Rejecting|suppress|mismatch).*${node.peerId}`))
      assert.deepEqual(faults, [], `stock node ${one.index}`)
    }
    if (MINUTES >= 20) assert.ok(answered('neighborSyncRequest') > 0, 'no neighbour sync was answered')
  })

  test('the stock nodes wrote us into their snapshots, with neutral trust', async () => {
    await stock.stop()
    let listed = 0
    for (const { rootDir, index } of stock.nodes) {
      const snapshot = JSON.parse(await readFile(join(rootDir, 'routing_snapshot.json'), 'utf8')) as {
        peers: { peer_id: string }[]
      }
      if (snapshot.peers.some(({ peer_id }) => peer_id === node.peerId)) listed++
      const cache = JSON.parse(await readFile(join(rootDir, 'close_group_cache.json'), 'utf8')) as {
        peers: { peer_id: string; trust: { score: number } }[]
      }
      const ours = cache.peers.find(({ peer_id }) => peer_id === node.peerId)
      if (ours) assert.ok(ours.trust.score >= 0.49, `stock node ${index} trusts us ${ours.trust.score}`)
      say(
        `stock node ${index}: listed ${snapshot.peers.some(({ peer_id }) => peer_id === node.peerId)}, trust ${ours?.trust.score}`,
      )
    }
    assert.ok(listed >= STOCK_NODES)
  })

  function answered(kind: string): number {
    const line = node.registry
      .render()
      .split('\n')
      .find(
        (one) =>
          one.startsWith('myrmex_replication_requests_total') &&
          one.includes(`kind="${kind}"`) &&
          one.includes('outcome="answered"'),
      )
    return Number(line?.split(' ').at(-1) ?? 0)
  }
})
