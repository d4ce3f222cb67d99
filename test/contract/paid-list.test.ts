/** One suite for every PaidList: LMDB on a real disk, the same list on a simulated one, memory. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { never, randomBelow, seededRandom } from '../../src/base/index.ts'
import { type ChunkAddress, chunkAddressOf } from '../../src/protocol/index.ts'
import { SimDisk } from '../../src/sim/index.ts'
import {
  createLmdbPaidList,
  createMemoryPaidList,
  PAID_LIST_BATCH,
  type PaidList,
  type PaidListOptions,
} from '../../src/storage/index.ts'
import { backendsUnderTest } from '../support/backends.ts'
import { tempFolder } from '../support/temp.ts'

interface Driver {
  readonly name: string
  readonly skip: string | false
  create(directory: string): PaidList
  /** A list that is full after a few thousand addresses at most. */
  createSmall(directory: string): PaidList
}

const DRIVERS: readonly Driver[] = [
  {
    name: 'LMDB',
    skip: backendsUnderTest().find(({ name }) => name === 'native')?.skip ?? false,
    create: (directory) => createLmdbPaidList(directory),
    createSmall: (directory) => createLmdbPaidList(directory, {}, { mapBytes: 128 * 1024 }),
  },
  {
    name: 'LMDB on a simulated disk',
    skip: false,
    create: () => simulated(),
    createSmall: () => simulated({ mapBytes: 128 * 1024 }),
  },
  {
    name: 'memory',
    skip: false,
    create: () => createMemoryPaidList(),
    createSmall: () => createMemoryPaidList({ maxAddresses: 1000 }),
  },
]

for (const driver of DRIVERS) describe(`PaidList: ${driver.name}`, { skip: driver.skip }, () => suite(driver))

function simulated(options?: Partial<PaidListOptions>): PaidList {
  const disk = new SimDisk()
  return createLmdbPaidList('/node', { fileSystem: disk.session(), keySet: disk.keySets() }, options)
}

const address = (n: number) => chunkAddressOf(seededRandom(n).bytes(32))

function suite(driver: Driver): void {
  const opened = (name: string, work: (list: PaidList) => Promise<void>, create = driver.create) =>
    test(name, async () => {
      await using folder = await tempFolder()
      const list = create(folder.path)
      await list.start(never)
      try {
        await work(list)
      } finally {
        await list.stop()
      }
    })

  opened('an insert is new once, then known', async (list) => {
    assert.deepEqual([list.has(address(1)), list.size], [false, 0])
    assert.equal(await list.insert(address(1)), true)
    assert.equal(await list.insert(address(1)), false)
    assert.deepEqual([list.has(address(1)), list.has(address(2)), list.size], [true, false, 1])
  })

  opened('twins at once: one of them is new', async (list) => {
    const outcomes = await Promise.all(Array.from({ length: 5 }, () => list.insert(address(1))))
    assert.deepEqual(outcomes.filter(Boolean).length, 1)
    assert.equal(list.size, 1)
  })

  opened('a batch goes at once and counts what was there', async (list) => {
    for (let n = 0; n < 5; n++) await list.insert(address(n))
    assert.equal(await list.removeBatch([address(1), address(3), address(1), address(77)]), 2)
    assert.equal(await list.removeBatch([]), 0)
    assert.deepEqual([list.size, list.has(address(1)), list.has(address(2))], [3, false, true])
  })

  opened('changes take effect in the order they were asked for', async (list) => {
    const outcomes = await Promise.all([
      list.insert(address(1)),
      list.insert(address(2)),
      list.removeBatch([address(1)]),
      list.insert(address(3)),
    ])
    assert.deepEqual(outcomes, [true, true, 1, true])
    assert.deepEqual([list.has(address(1)), list.size], [false, 2])
  })

  opened('pages are ascending, bounded, and go on where the last one ended', async (list) => {
    const all = Array.from({ length: 700 }, (_, n) => address(n))
    await Promise.all(all.map((one) => list.insert(one)))
    all.sort()
    const seen: ChunkAddress[] = []
    for (let after: ChunkAddress | undefined; ; after = seen.at(-1)) {
      const page = list.page(after, 64)
      assert.ok(page.length <= 64)
      if (page.length === 0) break
      seen.push(...page)
    }
    assert.deepEqual(seen, all)
    assert.deepEqual(list.page(undefined, 3), all.slice(0, 3))
    // From an address that is not in the list.
    const between = `${(all[9] as string).slice(0, 63)}${(all[9] as string).endsWith('f') ? 'e' : 'f'}` as ChunkAddress
    assert.deepEqual(list.page(between, 1), [all.find((one) => one > between)])
    assert.deepEqual(list.page('f'.repeat(64) as ChunkAddress, 9), [])
  })

  opened('a random history ends as a set would', async (list) => {
    const seed = 0x9a1d
    const random = seededRandom(seed)
    const model = new Set<ChunkAddress>()
    for (let step = 0; step < 200; step++) {
      const some = Array.from({ length: 1 + randomBelow(random, 4) }, () => address(randomBelow(random, 40)))
      if (randomBelow(random, 3) === 0) {
        const expected = new Set(some.filter((one) => model.delete(one))).size
        assert.equal(await list.removeBatch(some), expected, `seed ${seed}, step ${step}`)
      } else {
        const [one] = some as [ChunkAddress]
        assert.equal(await list.insert(one), !model.has(one), `seed ${seed}, step ${step}`)
        model.add(one)
      }
    }
    assert.deepEqual(list.page(undefined, 100), [...model].sort(), `seed ${seed}`)
    assert.equal(list.size, model.size)
  })

  opened(
    'a full list says so, keeps what it has, and takes again what room there is',
    async (list) => {
      let held = 0
      await assert.rejects(
        async () => {
          for (; held < 2000; held++) await list.insert(address(held))
        },
        { code: 'STORAGE_FULL', message: /the paid list .*is full/ },
      )
      assert.ok(held > 300, `only ${held} addresses fitted`)
      assert.deepEqual(
        [list.state, list.size, list.has(address(held)), list.has(address(0))],
        ['full', held, false, true],
      )
      assert.equal(await list.insert(address(0)), false, 'known ones need no room')
      for (let n = 0; n < 200; n += 2) assert.equal(await list.removeBatch([address(n), address(n + 1)]), 2)
      assert.equal(await list.insert(address(held)), true)
      assert.deepEqual([list.state, list.size], ['writable', held - 199])
    },
    driver.createSmall,
  )

  test('before start and after stop it refuses; both may be called twice; addresses stay', async () => {
    await using folder = await tempFolder()
    const list = driver.create(folder.path)
    assert.throws(() => list.has(address(1)), { code: 'STORAGE_CLOSED' })
    await assert.rejects(async () => list.insert(address(1)), { code: 'STORAGE_CLOSED' })
    await list.start(never)
    await list.start(never)
    const running = list.insert(address(1))
    await list.stop()
    assert.equal(await running, true, 'a running change ends before the list is closed')
    await list.stop()
    assert.throws(() => list.page(undefined, 1), { code: 'STORAGE_CLOSED' })
    await list.start(never)
    assert.deepEqual(list.page(undefined, PAID_LIST_BATCH), [address(1)])
    await list.stop()
  })

  test('a start that is aborted does not open', async () => {
    await using folder = await tempFolder()
    const list = driver.create(folder.path)
    await assert.rejects(list.start(AbortSignal.abort(new Error('enough'))), /enough/)
    assert.throws(() => list.has(address(1)), { code: 'STORAGE_CLOSED' })
  })
}
