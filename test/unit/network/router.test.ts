import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Aborted, never, silentLogger, TaskGroup } from '../../../src/base/index.ts'
import type { Link } from '../../../src/network/link.ts'
import type { MessageContext, RequestContext, RouteLimits } from '../../../src/network/network.ts'
import { Router } from '../../../src/network/router.ts'
import { SimClock } from '../../../src/sim/index.ts'

const limit = { maxBytes: 100 }
const NOTHING = new Uint8Array(0)
const link = (name: string) => ({ peer: name.repeat(64) }) as unknown as Link

const LIMITS = { maxRunningHandlers: 3, maxRunningHandlersPerPeer: 2, handlerBudgetMs: 1000, maxHandlerBudgetMs: 5000 }

function scene(options = LIMITS) {
  const clock = new SimClock()
  const counted: string[] = []
  const tasks = new TaskGroup(() => undefined)
  const count = (_: string, outcome: string) => void counted.push(outcome)
  return { clock, counted, tasks, router: new Router({ clock, log: silentLogger, tasks, count }, options) }
}

async function settled(): Promise<void> {
  for (let i = 0; i < 20; i++) await Promise.resolve()
}

test('a peer has a share of the running handlers, all together have a limit, and places come back', async () => {
  const { router, counted } = scene()
  const ends: (() => void)[] = []
  router.handle('t', limit, () => new Promise<void>((resolve) => ends.push(resolve)))
  for (const name of ['a', 'a', 'a', 'b', 'b']) router.message('t', NOTHING, link(name))
  assert.deepEqual(counted, ['delivered', 'delivered', 'busy', 'delivered', 'busy'])
  for (const end of ends.splice(0)) end()
  await settled()
  assert.equal(router.running, 0)
  router.message('t', NOTHING, link('a'))
  assert.equal(counted.at(-1), 'delivered')
})

test('a handler and the answer that nobody reads are given up when the budget is over', async () => {
  const { router, clock, counted } = scene()
  const reasons: unknown[] = []
  const untilAborted = ({ signal }: MessageContext | { signal: AbortSignal }) =>
    new Promise<never>((_, reject) => {
      signal.addEventListener('abort', () => {
        reasons.push((signal.reason as { code: string }).code)
        reject(signal.reason)
      })
    })
  let answered = false
  router.handle('t', limit, (_, context) => untilAborted(context))
  router.handleRequests('r', limit, async (_, context: RequestContext) => {
    void context.answered.then(() => (answered = true))
    return NOTHING
  })
  router.message('t', NOTHING, link('a'))
  router.request('/rr/r', NOTHING, link('a'), (_, { signal }) => untilAborted({ signal }))
  await settled()
  assert.deepEqual([router.running, answered], [2, false])
  while (clock.pending > 0) clock.fireNext()
  await settled()
  assert.deepEqual(reasons, ['DEADLINE_EXCEEDED', 'DEADLINE_EXCEEDED'])
  assert.deepEqual([router.running, answered], [0, true])
  assert.equal(counted.filter((outcome) => outcome === 'handlerFailed').length, 2)
})

test('a route, and a request that is known to wait longer or shorter, have a budget of their own, up to the maximum', async () => {
  const { router, clock } = scene()
  /** When it is aborted. The handler says its budget after 100 ms. */
  const asked = async (limits: RouteLimits, budgetMs?: number) => {
    let abortedAt: number | undefined
    const from = clock.monotonic()
    const remove = router.handleRequests('r', limits, async (_, context) => {
      await clock.sleep(100, never)
      if (budgetMs !== undefined) context.budgetMs = budgetMs
      await new Promise<void>((resolve) => context.signal.addEventListener('abort', () => resolve()))
      abortedAt = clock.monotonic() - from
      return undefined
    })
    router.request('/rr/r', NOTHING, link('a'), async () => undefined)
    await settled()
    for (; clock.pending > 0; await settled()) clock.fireNext()
    remove()
    return abortedAt
  }
  assert.equal(await asked(limit), 1000)
  assert.equal(await asked({ ...limit, budgetMs: 300 }), 300)
  assert.equal(await asked({ ...limit, budgetMs: 3000 }), 3000, 'above the default')
  assert.equal(await asked({ ...limit, budgetMs: 9000 }), 5000, 'never above the maximum')
  assert.equal(await asked(limit, 200), 200)
  assert.equal(await asked(limit, 4000), 4000)
  assert.equal(await asked(limit, 9000), 5000)
  assert.equal(clock.pending, 0, 'the timer that was replaced is gone')
})

test('a handler that throws costs itself only; stopping aborts the others', async () => {
  const { router, tasks, counted } = scene()
  router.handle('bad', limit, () => {
    throw new Error('a bug')
  })
  let reason: unknown
  router.handle(
    't',
    limit,
    (_, { signal }) =>
      new Promise<void>((resolve) => {
        signal.addEventListener('abort', () => {
          reason = signal.reason
          resolve()
        })
      }),
  )
  router.message('bad', NOTHING, link('a'))
  router.message('t', NOTHING, link('a'))
  await settled()
  assert.deepEqual(counted, ['delivered', 'delivered', 'handlerFailed'])
  await tasks.stop()
  assert.ok(reason instanceof Aborted)
  assert.equal(router.running, 0)
})
