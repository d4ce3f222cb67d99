/**
 * A minute of the low-memory run (npm run test:low-memory): a node in a memory group of 512 MiB on one core, under more
 * than it can serve. How many requests get no answer depends on what else the machine does, and is judged there.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { never } from '../../src/base/index.ts'
import { quicAvailability } from '../../src/transport/index.ts'
import { LOW_MEMORY_DEFAULTS, runLowMemory } from '../soak/low-memory.ts'
import { createMemoryGroup } from '../soak/memory-group.ts'
import { peakOf } from '../soak/samples.ts'

function obstacle(): string | undefined {
  const quic = quicAvailability()
  if (!quic.available) return quic.reason
  const group = createMemoryGroup(LOW_MEMORY_DEFAULTS.limitBytes)
  if (typeof group === 'string') return group
  group.remove()
  return undefined
}

const reason = obstacle()
if (reason !== undefined) process.stderr.write(`low-memory smoke skipped: ${reason}\n`)

test('512 MiB and one core: not killed, queues within their limits, busy above them', {
  skip: reason ?? false,
}, async () => {
  const result = await runLowMemory({ ...LOW_MEMORY_DEFAULTS, seconds: 40, otherNodes: 3, loaders: 2 }, never)
  assert.ok(typeof result !== 'string', String(result))
  const { answers, limits, samples, end, profile } = result
  assert.equal(profile.name, 'tiny')
  assert.equal(end.oomKills, 0)
  assert.ok((answers['put stored'] ?? 0) > 0 && (answers['get found'] ?? 0) > 0, JSON.stringify(answers))
  assert.equal(answers['get wrong'], undefined)
  assert.ok(samples.length > 0)
  for (const [queue, limit] of Object.entries(limits)) assert.ok(peakOf(samples, queue) <= limit, queue)
})
