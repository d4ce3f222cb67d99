import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { never } from '../../../src/base/index.ts'
import { ByteBudget, JobPool } from '../../../src/client/pipeline.ts'
import { UploadSession } from '../../../src/client/upload-session.ts'
import { type ChunkAddress, chunkAddressOf } from '../../../src/protocol/index.ts'

const turn = () => new Promise((resolve) => setImmediate(resolve))

function address(n: number): ChunkAddress {
  return chunkAddressOf(new Uint8Array(32).fill(n))
}

describe('ByteBudget', () => {
  it('grants in order and never more than the limit', async () => {
    const budget = new ByteBudget(10)
    const granted: number[] = []
    const releases: (() => void)[] = []
    for (const [i, size] of [6, 6, 3, 4].entries()) {
      void budget.acquire(size, never).then((release) => {
        granted.push(i)
        releases.push(release)
        assert.ok(budget.used <= 10)
      })
    }
    await turn()
    assert.deepEqual(granted, [0], 'the third would fit but waits for its turn')
    releases[0]?.()
    releases[0]?.()
    await turn()
    assert.deepEqual([granted, budget.used], [[0, 1, 2], 9])
    releases[1]?.()
    await turn()
    assert.deepEqual([granted, budget.used], [[0, 1, 2, 3], 7])
  })

  it('grants more than everything only when nothing else is held', async () => {
    const budget = new ByteBudget(10)
    const first = await budget.acquire(1, never)
    let big: (() => void) | undefined
    void budget.acquire(1000, never).then((release) => {
      big = release
    })
    await turn()
    assert.equal(big, undefined)
    first()
    await turn()
    assert.ok(big)
    assert.equal(budget.used, 10)
  })

  it('a waiter that is cancelled leaves the line and lets the next one in', async () => {
    const budget = new ByteBudget(10)
    await budget.acquire(8, never)
    const controller = new AbortController()
    const waiting = budget.acquire(9, controller.signal)
    const next = budget.acquire(2, never)
    controller.abort(new Error('stop'))
    await assert.rejects(waiting, /stop/)
    await next
    assert.equal(budget.waiting, 0)
    await assert.rejects(budget.acquire(1, controller.signal), /stop/)
  })
})

describe('ByteBudget with holders', () => {
  it('counts a small holder as its share, so that no more than so many hold at once', async () => {
    const budget = new ByteBudget(10, { maxHolders: 3 })
    const releases: (() => void)[] = []
    for (let i = 0; i < 5; i++) void budget.acquire(1, never).then((release) => releases.push(release))
    await turn()
    assert.deepEqual([releases.length, budget.waiting], [3, 2])
    releases[0]?.()
    await turn()
    assert.deepEqual([releases.length, budget.waiting], [4, 1])
    for (const release of releases) release()
    await turn()
    for (const release of releases) release()
    assert.ok(Math.abs(budget.used) < 1e-9, 'all of it came back')
  })

  it('refuses whoever comes when too many wait', async () => {
    const budget = new ByteBudget(10, { maxWaiting: 1 })
    const release = await budget.acquire(10, never)
    const waiting = budget.acquire(1, never)
    await assert.rejects(budget.acquire(1, never), { code: 'SEMAPHORE_FULL' })
    release()
    await waiting
  })
})

describe('JobPool', () => {
  it('runs at most so many at once and drains', async () => {
    const pool = new JobPool(3)
    let running = 0
    let most = 0
    for (let i = 0; i < 10; i++) {
      await pool.submit(async () => {
        most = Math.max(most, ++running)
        await turn()
        running--
      })
    }
    await pool.drain()
    assert.deepEqual([most, running], [3, 0])
  })

  it('the first failure refuses later jobs and comes out of drain', async () => {
    const pool = new JobPool(1)
    await pool.submit(() => Promise.reject(new Error('first')))
    await assert.rejects(
      pool.submit(async () => undefined),
      /first/,
    )
    await assert.rejects(pool.drain(), /first/)
  })
})

describe('UploadSession', () => {
  it('holds no more bytes than its budget, whatever is added', async () => {
    let held = 0
    let most = 0
    const put = async (content: Uint8Array) => {
      held += content.length
      most = Math.max(most, held)
      await turn()
      held -= content.length
      return { address: address(0), stored: 'new' as const, acks: 4 }
    }
    const session = new UploadSession({ put }, { uploadBudgetBytes: 50, failuresInARow: 8 }, never, undefined)
    for (let i = 0; i < 40; i++) {
      await session.add(address(i), new Uint8Array(10), 10)
      assert.ok(session.heldBytes <= 50)
    }
    const counts = await session.finish()
    assert.deepEqual([counts.chunks, counts.chunksStored, most, session.heldBytes], [40, 40, 50, 0])
  })

  it('stores an address once', async () => {
    let puts = 0
    const put = async () => {
      puts++
      return { address: address(0), stored: 'existing' as const, acks: 4 }
    }
    const session = new UploadSession({ put }, { uploadBudgetBytes: 50, failuresInARow: 8 }, never, undefined)
    for (let i = 0; i < 5; i++) await session.add(address(1), new Uint8Array(10), 10)
    const counts = await session.finish()
    assert.deepEqual([puts, counts.chunks, counts.chunksStored], [1, 1, 0])
  })
})
