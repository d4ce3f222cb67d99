/** How long chunks were short of copies, and what the figures come to. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Repairs } from '../../../src/devnet/chaos/repairs.ts'
import { judge, verdictTable } from '../../../src/devnet/chaos/verdict.ts'

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
    ...{ hangs: 0, faults: [] as string[], read_failures: ['abc: no'], refusals: ['full'], upheavals: [] },
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
})
