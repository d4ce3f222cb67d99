/** Upheavals are carried out once and counted once; who is cut off stays so when another one is replaced. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Clock, never, seededRandom } from '../../../src/base/index.ts'
import { Cuts } from '../../../src/devnet/chaos/cuts.ts'
import type { ChaosNodes } from '../../../src/devnet/chaos/nodes.ts'
import type { Upheaval } from '../../../src/devnet/chaos/plan.ts'
import { Upheavals } from '../../../src/devnet/chaos/upheavals.ts'
import type { CopiesWatch } from '../../../src/devnet/chaos/watch.ts'
import type { Faults } from '../../../src/node/index.ts'

function upheavalsOver(nodes: Partial<ChaosNodes>) {
  const faults: string[] = []
  const told: string[] = []
  const upheavals = new Upheavals({
    nodes: nodes as ChaosNodes,
    watch: { look: async () => undefined, holders: new Map() } as unknown as CopiesWatch,
    standing: { out: new Set(), full: new Set() },
    clock: { monotonic: () => 0, sleep: async () => undefined } as unknown as Clock,
    random: seededRandom(1),
    onHappened: ({ text, outcome }) => told.push(`${outcome}: ${text}`),
    onFault: (sentence) => faults.push(sentence),
  })
  return { upheavals, faults, told }
}

const kill: Upheaval = { at: 0, kind: 'kill', slot: 3, forMs: 1000 }
const broken = async () => {
  throw new Error('it does not start')
}

for (const [when, nodes] of [
  ['beginning', { kill: broken }],
  ['being undone', { kill: async () => undefined, start: broken }],
] as const) {
  test(`one that fails while ${when} is counted as failed only`, async () => {
    const { upheavals, faults, told } = upheavalsOver(nodes)
    await upheavals.run([kill], never)
    assert.deepEqual(
      upheavals.happened.map(({ kind, outcome, why }) => [kind, outcome, why]),
      [['kill', 'failed', 'it does not start']],
    )
    assert.equal(faults.length, 1)
    assert.deepEqual(
      told.map((line) => line.split(':', 1)[0]),
      ['done', 'failed'],
      'told as it happened',
    )
  })
}

test('one that succeeds is counted as done', async () => {
  const { upheavals, faults } = upheavalsOver({ kill: async () => undefined, start: async () => undefined })
  await upheavals.run([kill, { ...kill, at: 1, slot: 4 }], never)
  assert.deepEqual([upheavals.happened.map(({ outcome }) => outcome), faults], [['done', 'done'], []])
})

function cutsOver(ports: number[]) {
  const written = new Map<number, Pick<Faults, 'cut_from' | 'cut_to'>>()
  const cuts = new Cuts({
    portOf: (slot) => ports[slot] as number,
    write: async (slot, { cut_from, cut_to }) => void written.set(slot, { cut_from, cut_to }),
  })
  return { cuts, written }
}

test('a node in the place of another one is cut off from whom that was cut off', async () => {
  const ports = [100, 101, 102, 103]
  const { cuts, written } = cutsOver(ports)
  await cuts.cut(0, [1, 2, 3], false)
  await cuts.cut(1, [2], true)
  assert.deepEqual(written.get(0), { cut_from: [101, 102, 103], cut_to: [101, 102, 103] })
  ports[2] = 200
  written.clear()
  await cuts.renew(2)
  assert.deepEqual(
    [...written],
    [
      [0, { cut_from: [101, 200, 103], cut_to: [101, 200, 103] }],
      [1, { cut_from: [], cut_to: [200] }],
    ],
  )
  written.clear()
  ports[1] = 201
  await cuts.renew(1)
  assert.deepEqual([...written.keys()], [0, 1], 'also where its own cut stands: in another folder now')
})

test('what was mended is not cut again, whatever comes first', async () => {
  const { cuts, written } = cutsOver([100, 101])
  await cuts.cut(0, [1], false)
  await Promise.all([cuts.renew(1), cuts.mend(0), cuts.renew(1)])
  assert.deepEqual(written.get(0), { cut_from: [], cut_to: [] })
})
