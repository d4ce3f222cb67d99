/** What is asked is counted when it is asked; who cannot answer any more has failed, who cannot hear any more is left out. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { seededRandom } from '../../../src/base/index.ts'
import type { Client } from '../../../src/client/index.ts'
import { backend } from '../../../src/crypto/index.ts'
import { chunkAddressOf, type PeerId } from '../../../src/protocol/index.ts'
import { Asks } from '../../../src/scenario/run/asks.ts'
import type { Town } from '../../../src/scenario/run/town.ts'

const SEED = 5
const content = seededRandom(SEED).bytes(100)
const turn = () => new Promise(setImmediate)

interface FakeNode {
  readonly peerId: PeerId
  readonly host: { up: boolean; boot: number; island: number }
  readonly dht: { lookup: () => Promise<{ closest: { peer: string }[] }> }
}

/** Each node finds what `found` says. */
function nodesOf(count: number, found: () => Promise<readonly FakeNode[]>): FakeNode[] {
  const dice = seededRandom(SEED)
  return Array.from({ length: count }, () => ({
    peerId: chunkAddressOf(dice.bytes(32)) as unknown as PeerId,
    host: { up: true, boot: 0, island: 0 },
    dht: { lookup: async () => ({ closest: (await found()).map(({ peerId }) => ({ peer: peerId })) }) },
  }))
}

/** Honest are all but those of other islands than 0. */
function asksOf(nodes: readonly FakeNode[], getChunk: () => Promise<Uint8Array> = async () => content) {
  const passes = (a: FakeNode['host'], b: FakeNode['host']) => a.up && b.up && a.island === b.island
  const town = {
    chunks: [chunkAddressOf(backend().blake3(content))],
    get live() {
      return nodes.filter(({ host }) => host.up)
    },
    get honest() {
      return this.live.filter(({ host }) => host.island === 0)
    },
    put: async () => false,
    net: { world: { random: () => seededRandom(SEED), network: { passes } } },
  }
  return new Asks(town as unknown as Town, { getChunk } as unknown as Client)
}

const forEver = <T>(): Promise<T> => new Promise(() => undefined)

test('a question counts when it is asked, and is open until it is answered', async () => {
  let answer: (() => void) | undefined
  const asks = asksOf(nodesOf(5, forEver), () => new Promise((resolve) => (answer = () => resolve(content))))
  asks.get()
  asks.get()
  assert.deepEqual(asks.gets, { tried: 2, succeeded: 0, open: 2 })
  answer?.()
  await turn()
  assert.deepEqual(asks.gets, { tried: 2, succeeded: 1, open: 1 })
  asks.put()
  await turn()
  assert.deepEqual(asks.puts, { tried: 1, succeeded: 0, open: 0 })
  asks.stop()
  assert.deepEqual(asks.gets, { tried: 2, succeeded: 1, open: 1 }, 'what nobody answered has failed')
})

test('what a machine asked that died is left out, also when it has come back', async () => {
  const [node] = nodesOf(1, forEver) as [FakeNode]
  const asks = asksOf([node])
  asks.lookup()
  asks.forgetGone()
  assert.deepEqual(asks.lookups, { tried: 1, succeeded: 0, open: 1 })
  node.host.boot++
  asks.lookup()
  asks.forgetGone()
  assert.deepEqual(asks.lookups, { tried: 1, succeeded: 0, open: 1 }, 'the one of this boot')
  node.host.up = false
  asks.forgetGone()
  assert.deepEqual(asks.lookups, { tried: 0, succeeded: 0, open: 0 })
})

test('where no honest node lives a lookup finds nothing', async () => {
  const asks = asksOf([])
  asks.lookup()
  await turn()
  assert.deepEqual(asks.lookups, { tried: 1, succeeded: 0, open: 0 })
})

test('a lookup finds four of the seven nearest that can be reached; those beyond the cut do not matter', async () => {
  let found: readonly FakeNode[] = []
  const nodes = nodesOf(40, async () => found)
  const island = nodes.slice(0, 6)
  for (const { host } of nodes.slice(6)) host.island = 1
  for (const [seen, succeeded] of [
    [[], 0],
    [nodes.slice(6), 0],
    [island.slice(0, 3), 0],
    [island.slice(0, 4), 1],
  ] as const) {
    found = seen
    const asks = asksOf(nodes)
    asks.lookup()
    await turn()
    assert.deepEqual(asks.lookups, { tried: 1, succeeded, open: 0 }, `${seen.length} found`)
  }
  // Fewer than four: all of them.
  for (const [count, succeeded] of [
    [2, 0],
    [3, 1],
  ] as const) {
    found = island.slice(0, count)
    for (const { host } of island.slice(3)) host.up = false
    const asks = asksOf(nodes)
    asks.lookup()
    await turn()
    assert.deepEqual(asks.lookups, { tried: 1, succeeded, open: 0 }, `${count} of 3 found`)
  }
})
