/** How long chunks were short of copies, and what the figures come to. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { never } from '../../../src/base/index.ts'
import { checkUpload } from '../../../src/devnet/chaos/final-check.ts'
import { Repairs } from '../../../src/devnet/chaos/repairs.ts'
import { type Happened, judge, verdictTable } from '../../../src/devnet/chaos/verdict.ts'

describe('repairs', () => {
  const at = (copies: number, target = 7) => ({ copies, target })

  test('spreading is no repair; the slowest repair counts from falling below', () => {
    const repairs = new Repairs()
    repairs.confirmed('a', 100)
    repairs.note('a', at(4), 200)
    assert.deepEqual([repairs.figures(250).below, repairs.figures(250).longestOpenMs], [1, 150])
    repairs.note('a', at(7), 300)
    repairs.note('a', at(6), 1000)
    repairs.note('a', at(5), 2000)
    repairs.note('a', at(7), 4000)
    repairs.note('a', at(6), 5000)
    repairs.note('a', at(8), 5500)
    assert.deepEqual(repairs.figures(9000), {
      slowestRepairMs: 3000,
      repairs: 2,
      slowestSpreadMs: 200,
      below: 0,
      longestOpenMs: undefined,
    })
  })

  test('fewer nodes than seven: all that are in will do', () => {
    const repairs = new Repairs()
    repairs.confirmed('a', 0)
    repairs.note('a', at(5, 5), 10)
    assert.equal(repairs.figures(10).below, 0)
    repairs.note('a', at(5, 6), 20)
    assert.equal(repairs.figures(25).longestOpenMs, 5)
  })

  test('what was never confirmed is not counted, and a second confirmation changes nothing', () => {
    const repairs = new Repairs()
    repairs.note('x', at(1), 0)
    repairs.confirmed('a', 0)
    repairs.confirmed('a', 500)
    repairs.note('a', at(7), 1000)
    assert.deepEqual([repairs.figures(1000).below, repairs.figures(1000).slowestSpreadMs], [0, 1000])
  })
})

describe('the verdict', () => {
  const figures = {
    ...{ interrupted: false, seed: 5, nodes: 8, elapsed_ms: 60_000, uploads_confirmed: 3, uploads_refused: 1 },
    ...{ bytes_confirmed: 99, chunks_confirmed: 12, chunks_lost: [] as string[], unreadable: [] as string[] },
    ...{ least_copies: 7, reads: 10, reads_failed: 1, reads_wrong: 0, worst_read_ms: 1500, worst_upload_ms: 2500 },
    ...{
      hangs: 0,
      faults: [] as string[],
      read_failures: ['abc: no'],
      refusals: ['full'],
      upheavals: [] as Happened[],
    },
    ...{ wrong_at_end: [] as string[], notes: [] as string[] },
  }
  const none = new Repairs().figures(0)

  test('refused uploads and reads that failed for the moment are no loss', () => {
    const verdict = judge(figures, none)
    assert.equal(verdict.ok, true)
    assert.match(verdictTable(verdict), /Verdict: GOOD \(seed 5\)$/)
    assert.match(verdictTable(verdict), /worst read +1\.5 s/)
    assert.match(verdictTable(verdict), /slowest repair +- /)
  })

  test('each loss, wrong byte, hang or fault of a node is bad, and named', () => {
    for (const [bad, pattern] of [
      [{ chunks_lost: ['deadbeef'] }, /lost: deadbeef/],
      [{ unreadable: ['cafe: nothing there'] }, /unreadable: cafe/],
      [{ reads_wrong: 1 }, /1 were wrong/],
      [{ wrong_at_end: ['cafe: 1 times'] }, /wrong bytes: cafe/],
      [{ hangs: 1 }, /hangs +1/],
      [{ faults: ['node 3 ended by itself'] }, /fault: node 3/],
    ] as const) {
      const verdict = judge({ ...figures, ...bad }, none)
      assert.equal(verdict.ok, false, JSON.stringify(bad))
      assert.match(verdictTable(verdict), pattern)
      assert.match(verdictTable(verdict), /Verdict: BAD/)
    }
  })

  test('nothing confirmed is no good news, unless it was cut short', () => {
    assert.equal(judge({ ...figures, uploads_confirmed: 0 }, none).ok, false)
    const early = judge({ ...figures, uploads_confirmed: 0, interrupted: true }, none)
    assert.equal(early.ok, true)
    assert.match(verdictTable(early), /so far: it was interrupted/)
  })

  test('how often each kind was done, those that never were too, and what could not come', () => {
    const event = (kind: Happened['kind'], outcome: Happened['outcome']) => ({ at_ms: 1, kind, text: kind, outcome })
    const upheavals = [
      event('kill', 'done'),
      event('kill', 'done'),
      event('cut', 'done'),
      event('replace', 'held back'),
    ]
    const verdict = judge(
      { ...figures, upheavals: [...upheavals, event('freeze', 'failed')], notes: ['too few'] },
      none,
    )
    const table = verdictTable(verdict)
    assert.match(
      table,
      /^done by kind +kill 2, restart 0, freeze 0, fill 0, vanish 0, corrupt 0, cut 1, isolate 0, replace 0$/m,
    )
    assert.match(table, /^upheavals +3 done, 1 held back, 1 failed$/m)
    assert.match(table, /^note: too few$/m)
  })
})

describe('the final check', () => {
  const check = async (outcomes: readonly ('same' | 'wrong' | 'failed')[], signal = never) => {
    let [reads, pauses] = [0, 0]
    const found = await checkUpload(
      async () => ({ kind: outcomes[reads++] ?? 'same', ms: 1, why: `attempt ${reads}` }),
      async () => void pauses++,
      signal,
    )
    return { ...found, reads, pauses }
  }

  test('tries again where nothing came; wrong bytes stay wrong', async () => {
    assert.deepEqual(await check(['same']), { wrong: 0, reads: 1, pauses: 0 })
    assert.deepEqual(await check(['failed', 'same']), { wrong: 0, reads: 2, pauses: 1 })
    assert.deepEqual(await check(['wrong', 'same']), { wrong: 1, reads: 2, pauses: 1 })
    assert.deepEqual(await check(['failed', 'wrong', 'failed']), {
      ...{ wrong: 1, unreadable: 'attempt 3', reads: 3, pauses: 2 },
    })
  })

  test('one that was stopped says nothing, but for the wrong bytes that came', async () => {
    const stopped = AbortSignal.abort()
    assert.deepEqual(await check(['failed', 'failed'], stopped), { wrong: 0, reads: 1, pauses: 0 })
    assert.deepEqual(await check(['wrong', 'failed'], stopped), { wrong: 1, reads: 2, pauses: 1 })
  })
})
