/** A day replaces thousands of machines: of those that are gone for ever nothing may stay in memory. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { SimulatedDevnet } from '../../src/devnet/index.ts'

const SEED = Number(process.env['SIM_SEED'] ?? 5)
const MINUTE = 60_000

test(`machines that are gone, some while they joined, are forgotten (SIM_SEED=${SEED})`, async () => {
  const net = new SimulatedDevnet({ seed: SEED }, { node: { memoryStore: true } })
  await net.start(10)
  const gone: WeakRef<object>[] = []
  for (let i = 0; i < 10; i++) {
    const { node, joined } = net.join()
    joined.catch(() => undefined)
    // From the first moments of a boot to the time when all neighbours have been asked.
    await net.world.advance(100 * 2 ** i)
    gone.push(new WeakRef(node.network), new WeakRef(node.replication))
    net.remove(node)
  }
  await net.world.advance(30 * MINUTE)
  setFlagsFromString('--expose_gc')
  const collect = runInNewContext('gc') as () => void
  // What a turn of the loop still holds is free after it.
  for (let i = 0; i < 3; i++) {
    collect()
    await new Promise((resolve) => setImmediate(resolve))
  }
  const left = gone.filter((each) => each.deref() !== undefined).length
  assert.ok(left <= 2, `seed ${SEED}: ${left} of ${gone.length} are still held`)
  await net.stop()
})
