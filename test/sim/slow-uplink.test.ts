/** An upload over a line that takes minutes for it: slow is not broken. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MiB, minute, second, seededRandom } from '../../src/base/index.ts'
import { SimulatedDevnet } from '../../src/devnet/index.ts'

const SEED = Number(process.env['SIM_SEED'] ?? 81)
const CHUNKS = 6
const COPIES = 4

test(`six full chunks go out at once over 300 kB/s, each four times and no more (SIM_SEED=${SEED})`, async () => {
  const net = new SimulatedDevnet({ seed: SEED })
  await net.start(12)
  await net.world.advance(minute)
  const bandwidth = 300_000
  const client = await net.connectClient('people', { bandwidth })
  const dice = seededRandom(SEED)
  const { clock } = net.world
  const before = clock.monotonic()
  const puts = await net.world.run(() =>
    Promise.all(Array.from({ length: CHUNKS }, () => client.putChunk(dice.bytes(4 * MiB)))),
  )
  const seconds = (clock.monotonic() - before) / second
  assert.deepEqual(new Set(puts.map(({ stored, acks }) => `${stored} ${acks}`)), new Set(['new 4']), `seed ${SEED}`)
  const ideal = (CHUNKS * COPIES * 4 * MiB) / bandwidth
  console.log(`seed ${SEED}: ${seconds.toFixed(0)} s, the line alone takes ${ideal.toFixed(0)} s`)
  assert.ok(seconds < 1.2 * ideal, `seed ${SEED}: ${seconds} s for ${ideal} s`)
  await net.stop()
})
