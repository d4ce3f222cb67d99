/**
 * What does a neighbour cost a node that holds much? Hints are found by walks over keys in order, so the cost must
 * follow what is told and what changed, not what is stored; the stock node looks at every key each time. And what does a
 * stored key cost in memory, for as long as the node lives?
 */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { type Random, seededRandom } from '../../src/base/index.ts'
import { type ChunkAddress, chunkAddressOf, keyOf, type PeerId, peerIdOf } from '../../src/protocol/index.ts'
import { HintIndex } from '../../src/replication/view/hint-index.ts'
import type { HintWalk } from '../../src/replication/view/hint-walk.ts'
import { OwnView } from '../../src/replication/view/own-view.ts'
import { AddressIndex } from '../../src/storage/address-index.ts'
import { type Row, rounds, rowOf } from '../measure.ts'
import { benchFile, type Context, type Step } from '../shelf.ts'

const PEERS = 250
const GROUP = 7
const PAID_GROUP = 20
/** As the engine takes a walk: with a turn of the event loop after so many regions and keys. */
const STEP = 4096
/** Beyond that many keys nobody waits for the naive way. */
const NAIVE_KEYS = 100_000

export default benchFile({
  steps: (context) => {
    const counts = { smoke: [1000], quick: [1000, 10_000, 100_000], full: [1000, 10_000, 100_000, 1_000_000] }
    const steps = counts[context.level].map((count) => hints(count, context))
    // Below that the program's own noise is larger.
    return [...steps, ...counts[context.level].filter((count) => count >= 10_000).map(memory)]
  },
})

function hints(count: number, { effort }: Context): Step<undefined> {
  const id = `hints of ${count} stored keys`
  return {
    id,
    async run(): Promise<Row[]> {
      const dice = seededRandom(count)
      const { self, others } = peersAround(dice)
      const view = new OwnView(self, others)
      const index = new HintIndex()
      const keys = keysNear(self, dice, count)
      for (const key of keys) index.add(key, 'stored')
      const neighbour = view.closest(keyOf(self), 2)[1] as PeerId
      const more = new OwnView(self, [...others, farFrom(self, dice)])
      const one = keysNear(self, dice, 1)[0] as ChunkAddress
      let told = 0
      const ways = [
        { name: 'a far peer comes', run: () => walked(index.keysGained(view, more, 'stored', GROUP)) },
        { name: 'a chunk comes and goes', run: () => (index.add(one, 'stored') ? index.remove(one, 'stored') : 0) },
        { name: 'all for one neighbour', run: () => (told = walked(index.keysFor(view, neighbour, 'stored', GROUP))) },
        ...(count > NAIVE_KEYS ? [] : [{ name: 'every key looked at', run: () => naive(view, keys, neighbour) }]),
      ]
      const place = { chart: 'Hints for a neighbour', x: count, xTitle: 'keys stored', xUnit: 'n' } as const
      const row = await rounds(
        id,
        'ms',
        ways.map(({ name, run }) => ({ name, measure: () => elapsed(run) })),
        effort.rounds,
        { place },
      )
      const all = row.results.find(({ name }) => name === 'all for one neighbour')?.samples ?? []
      const each = rowOf(`${id}: a key told`, 'us', [['all for one neighbour', all.map((ms) => (1000 * ms) / told)]])
      return [row, each]
    },
  }
}

/** The store's set of names and the engine's order of keys, filled as at start. */
function memory(count: number): Step<undefined> {
  const id = `memory of ${count} stored keys`
  return {
    id,
    async run(): Promise<Row> {
      const dice = seededRandom(count)
      const keys = Array.from({ length: count }, () => dice.bytes(32))
      const held = new AddressIndex()
      const ofStore = used(() => held.fill(keys.map((key) => chunkAddressOf(key)))) / count
      const index = new HintIndex()
      const fill = () => {
        for (const key of held.keys()) index.add(key, 'stored')
      }
      const ofEngine = used(fill) / count
      if (held.size !== index.count('stored')) throw new Error('not all keys were taken')
      return rowOf(
        id,
        'B a key',
        [
          ['names of the store', [ofStore]],
          ['order of the engine', [ofEngine]],
        ],
        { better: 'lower', population: true },
      )
    },
  }
}

function walked(walk: HintWalk): number {
  let told = 0
  while (!walk.step(STEP, () => told++));
  return told
}

function naive(view: OwnView, keys: readonly ChunkAddress[], peer: PeerId): number {
  return keys.filter((key) => view.closest(keyOf(key), GROUP).includes(peer)).length
}

/** Calls until a millisecond is over. */
async function elapsed(run: () => unknown): Promise<number> {
  const began = performance.now()
  let calls = 0
  do {
    run()
    calls++
  } while (performance.now() - began < 1)
  return (performance.now() - began) / calls
}

/** Node gives the collector only to those who ask for it. */
function collect(): void {
  setFlagsFromString('--expose-gc')
  ;(runInNewContext('gc') as () => void)()
}

function used(work: () => void): number {
  const before = measured()
  work()
  return measured() - before
}

function measured(): number {
  collect()
  const { heapUsed, arrayBuffers } = process.memoryUsage()
  return heapUsed + arrayBuffers
}

function peersAround(dice: Random): { self: PeerId; others: PeerId[] } {
  return { self: peerIdOf(dice.bytes(32)), others: Array.from({ length: PEERS }, () => peerIdOf(dice.bytes(32))) }
}

/** A node holds keys near itself: a view of 250 peers divides the space in parts of about 8 bits. */
function keysNear(self: PeerId, dice: Random, count: number): ChunkAddress[] {
  const near = keyOf(self)
  const bits = Math.floor(Math.log2(PEERS / PAID_GROUP))
  return Array.from({ length: count }, () => {
    const key = dice.bytes(32)
    const mask = 0xff >>> bits
    key[0] = ((near[0] as number) & ~mask) | ((key[0] as number) & mask)
    return chunkAddressOf(key)
  })
}

function farFrom(self: PeerId, dice: Random): PeerId {
  const key = dice.bytes(32)
  key[0] = (keyOf(self)[0] as number) ^ 0x80
  return peerIdOf(key)
}
