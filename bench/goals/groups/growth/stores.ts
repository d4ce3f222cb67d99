/** A store of n chunks: what is asked of it for every request, and what opening it costs. */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { never, type Random, seededRandom, systemClock, systemRandom } from '../../../../src/base/index.ts'
import { type ChunkAddress, chunkAddressOf } from '../../../../src/protocol/index.ts'
import { verificationResponse } from '../../../../src/replication/traffic/answers.ts'
import { HeldChunks } from '../../../../src/storage/held-chunks.ts'
import { type ChunkStore, createFileChunkStore } from '../../../../src/storage/index.ts'
import { shardOf } from '../../../../src/storage/layout.ts'
import type { Context } from '../../context.ts'
import { callNs } from '../../timing.ts'
import { growthRow, replaceOldest, SIZES } from './curve.ts'

export const STORE_IDS = [
  ...['growth-store-has', 'growth-store-insert', 'growth-store-stats', 'growth-store-open'],
  'growth-replication-answer',
]
const SEED = 11
const BATCH = 200
const ASKED = 64

export async function stores(context: Context): Promise<void> {
  const folder = await context.scope.folder()
  const dice = seededRandom(SEED)
  const open: ChunkStore[] = []
  try {
    const made = new Map<number, { root: string; addresses: ChunkAddress[]; store: ChunkStore }>()
    for (const n of SIZES) {
      context.signal.throwIfAborted()
      const root = join(folder, String(n))
      const addresses = await fillFolder(root, n, dice)
      const store = storeAt(root)
      await store.start(never)
      if (store.size !== n) throw new Error(`a folder of ${n} chunks opens with ${store.size}`)
      open.push(store)
      made.set(n, { root, addresses, store })
    }
    await measureStores(context, made, dice)
  } finally {
    for (const store of open) await store.stop()
    await context.scope.remove(folder)
  }
}

type Made = ReadonlyMap<number, { root: string; addresses: ChunkAddress[]; store: ChunkStore }>

async function measureStores(context: Context, made: Made, dice: Random): Promise<void> {
  const ms = context.pick(100, 40)
  const at = (n: number) => made.get(n) as { root: string; addresses: ChunkAddress[]; store: ChunkStore }
  await growthRow(context, 'growth-store-has', 'ns', (n) => {
    const { store, addresses } = at(n)
    let i = 0
    return callNs(ms, () => store.has(addresses[i++ % addresses.length] as ChunkAddress), BATCH)
  })
  const indexes = new Map(SIZES.map((n) => [n, indexOf(at(n).addresses)]))
  await growthRow(
    context,
    'growth-store-insert',
    'ns',
    (n) => {
      const { held, names } = indexes.get(n) as Index
      const next = replaceOldest(names, {
        fresh: () => address(dice),
        remove: (oldest) => held.forget(oldest),
        add: (fresh) => held.trust(fresh),
      })
      return callNs(ms, next, BATCH)
    },
    { note: 'one out of the index and another one in; making its address is in it, the write to the disk is not' },
  )
  await growthRow(context, 'growth-store-stats', 'ns', (n) => callNs(ms, () => at(n).store.stats(), BATCH))
  await growthRow(context, 'growth-replication-answer', 'ns', async (n) => {
    const { store, addresses } = at(n)
    const held = { stored: (key: ChunkAddress) => store.has(key), paid: () => false }
    const keys = Array.from({ length: ASKED }, (_, i) => (i % 2 === 0 ? address(dice) : addresses[i % n])) as []
    return callNs(ms, () => verificationResponse({ kind: 'verificationRequest', keys, paidListCheckIndices: [] }, held))
  })
  await growthRow(
    context,
    'growth-store-open',
    'us a chunk',
    async (n) => {
      const { store, root } = at(n)
      await store.stop()
      const again = storeAt(root)
      const began = performance.now()
      await again.start(never)
      const us = ((performance.now() - began) * 1000) / n
      await again.stop()
      await store.start(never)
      return us
    },
    { rounds: context.pick(3, 2), note: 'names are read, no content; the lock costs a few ms whatever n is' },
  )
}

function storeAt(root: string): ChunkStore {
  return createFileChunkStore(root, { clock: systemClock, random: systemRandom })
}

function address(dice: Random): ChunkAddress {
  return chunkAddressOf(dice.bytes(32))
}

interface Index {
  readonly held: HeldChunks
  /** In the order of the ring that replaces them. */
  readonly names: ChunkAddress[]
}

function indexOf(addresses: readonly ChunkAddress[]): Index {
  const held = new HeldChunks()
  held.fill(addresses)
  return { held, names: [...addresses] }
}

/** Names are what opening reads; content would only fill the disk. */
async function fillFolder(root: string, n: number, dice: Random): Promise<ChunkAddress[]> {
  // The store makes its layout file itself.
  const empty = storeAt(root)
  await mkdir(root, { recursive: true })
  await empty.start(never)
  await empty.stop()
  const addresses = Array.from({ length: n }, () => address(dice))
  for (const name of addresses) {
    const shard = join(root, 'chunks', shardOf(name))
    await mkdir(shard, { recursive: true })
    await writeFile(join(shard, name), '')
  }
  return addresses
}
