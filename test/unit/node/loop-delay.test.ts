import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Registry } from '../../../src/base/index.ts'
import { LoopDelay } from '../../../src/node/loop-delay.ts'

function figures(registry: Registry): Record<string, number> {
  const lines = registry.render().matchAll(/^myrmex_node_loop_delay_(\w+)_seconds ([\d.e-]+)$/gm)
  return Object.fromEntries([...lines].map(([, name, value]) => [name as string, Number(value)]))
}

/** Turns of the loop, so that the sampling timer fires. */
async function turns(until: () => boolean): Promise<void> {
  while (!until()) await new Promise<void>((resolve) => setImmediate(resolve))
}

function block(ms: number): void {
  const end = performance.now() + ms
  while (performance.now() < end);
}

test('a blocked loop shows in the largest delay, and a scrape starts the next span', async () => {
  const registry = new Registry()
  const delay = new LoopDelay(registry)
  await delay.start()
  try {
    const began = performance.now()
    await turns(() => performance.now() - began > 100)
    block(400)
    // The late sample is taken in the next turn.
    const after = performance.now()
    await turns(() => performance.now() - after > 100)
    const { p50, p99, max } = figures(registry)
    assert.ok(max !== undefined && p99 !== undefined && p50 !== undefined)
    assert.ok(max >= 0.35, `largest ${max}`)
    assert.ok(p50 <= p99 && p99 <= max, `${p50} ${p99} ${max}`)
    assert.equal(figures(registry)['max'], 0, 'nothing was sampled since the last scrape')
  } finally {
    await delay.stop()
  }
})

test('stopped, or never started, it reads as nothing', async () => {
  const registry = new Registry()
  const delay = new LoopDelay(registry)
  assert.deepEqual(figures(registry), { p50: 0, p99: 0, max: 0 })
  await delay.start()
  await delay.start()
  await delay.stop()
  await delay.stop()
  assert.deepEqual(figures(registry), { p50: 0, p99: 0, max: 0 })
})
