import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import {
  capacityOf,
  type Figure,
  type Figures,
  figureOf,
  isUnsteady,
  round,
  verdictOf,
} from '../../../src/cli/bench/judge.ts'

const MiB = 1024 * 1024
const at = (value: number): Figure => ({ kind: 'measured', value, low: value, high: value })
const unknown: Figure = { kind: 'unknown', reason: 'no addon' }

function figures(change: Partial<Figures> = {}): Figures {
  return {
    ...{ encrypt: at(200), decrypt: at(400), sign: at(8000), verify: at(25_000), diskSync: at(60) },
    ...{ stored: at(30), served: at(20), idleBytes: at(80 * MiB), idleCpu: at(0.0025), burstBytes: at(100 * MiB) },
    ...change,
  }
}

const machine = { memoryBytes: 8192 * MiB, cores: 4, freeDiskBytes: 1e12 }

describe('how many nodes', () => {
  test('the least of memory, cores and disk, and the sum behind each', () => {
    const capacity = capacityOf(figures(), machine)
    assert.deepEqual(capacity.by, { memory: Math.floor((8192 * 0.75 - 100) / 80), cores: 800, disk: 50 })
    assert.equal(capacity.nodes, 50)
    assert.equal(capacity.limitedBy, 'disk')
    assert.match(
      capacity.arithmetic.join('\n'),
      /8192 MiB, of which 75 % .* less 100 MiB .* \/ 80 MiB an idle node = 75/,
    )
    assert.match(capacity.arithmetic.join('\n'), /0\.25 % of one core an idle node = 800/)
    assert.match(capacity.arithmetic.join('\n'), /1000 GB free \/ 20 GB a node = 50/)
  })

  test('each of the three can be the limit', () => {
    assert.equal(capacityOf(figures(), { ...machine, memoryBytes: 900 * MiB }).limitedBy, 'memory')
    assert.equal(capacityOf(figures({ idleCpu: at(0.5) }), machine).limitedBy, 'cores')
    assert.equal(capacityOf(figures(), { ...machine, freeDiskBytes: 25e9 }).limitedBy, 'disk')
  })

  test('a node that needs no measurable time does not make cores endless', () => {
    assert.equal(capacityOf(figures({ idleCpu: at(0) }), machine).by.cores, 4000)
  })

  test('a disk of unknown size limits nothing', () => {
    assert.equal(capacityOf(figures(), { ...machine, freeDiskBytes: undefined }).limitedBy, 'memory')
  })

  test('too little for one node is none, not a negative number', () => {
    const small = { ...machine, memoryBytes: 100 * MiB }
    const capacity = capacityOf(figures(), small)
    assert.equal(capacity.nodes, 0)
    assert.match(verdictOf(figures(), capacity), /too little memory for a node/)
  })
})

describe('the sentence', () => {
  const sentence = (change: Partial<Figures> = {}, of = machine) => {
    const all = figures(change)
    return verdictOf(all, capacityOf(all, of))
  }

  test('nodes, the limit, and MB/s', () => {
    assert.equal(
      sentence(),
      'This machine can carry about 50 nodes (its disk is what limits it) and encrypts 200 MB/s.',
    )
    assert.match(sentence({}, { ...machine, freeDiskBytes: 30e9 }), /about 1 node \(/)
    assert.match(sentence({ idleCpu: at(0.5) }), /its cores are what limits it/)
  })

  test('a slow disk is told', () => {
    assert.match(sentence({ diskSync: at(2.5) }), /but its disk keeps only 2\.5 chunks a second/)
  })

  test('without nodes it is a client', () => {
    const none = { idleBytes: unknown, idleCpu: unknown, stored: unknown, served: unknown, burstBytes: unknown }
    assert.equal(sentence(none), 'This machine works as a client and encrypts 200 MB/s; nodes could not be tried.')
  })
})

describe('figures', () => {
  test('the middle of the samples, and their ends', () => {
    assert.deepEqual(figureOf([3, 1, 2]), { kind: 'measured', value: 2, low: 1, high: 3 })
    assert.deepEqual(figureOf([4, 1]), { kind: 'measured', value: 2.5, low: 1, high: 4 })
    assert.equal(figureOf([]).kind, 'unknown')
  })

  test('unsteady: a spread of more than half the middle', () => {
    assert.equal(isUnsteady(figureOf([10, 10, 16])), true)
    assert.equal(isUnsteady(figureOf([10, 10, 14])), false)
    assert.equal(isUnsteady(unknown), false)
  })

  test('as many digits as matter', () => {
    assert.deepEqual([1234.5, 99.94, 12.34, 1.234, 0.0567].map(round), ['1235', '99.9', '12.3', '1.2', '0.057'])
  })
})
