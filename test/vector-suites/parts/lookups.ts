/** Scripted walks and close groups of addresses.json: rounds, result and end must be those of the reference. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fromHex, toHex } from '../../../src/base/index.ts'
import { closest } from '../../../src/dht/close-group.ts'
import { Lookup, type LookupEntry } from '../../../src/dht/lookup.ts'
import { distance, type Key, keyOf, type PeerId } from '../../../src/protocol/index.ts'
import { peerOf } from '../../unit/dht/support/addresses.ts'
import { LOOKUP_OPTIONS } from '../../unit/dht/support/lookup-options.ts'

export interface LookupDocument {
  distances: { a: string; b: string; distance: string }[]
  close_groups: { population: number; target: string; k: number; closest_indexes: number[] }[]
  lookups: {
    population: number
    target: string
    rule: string
    rounds: number[][]
    result: number[]
    iterations: number
    termination: string
  }[]
}

const hex = (text: string) => fromHex(text) as Key
const population = (size: number) =>
  Array.from({ length: size }, (_, i) => ({ index: i, peer: peerOf(`seed/addr/id/${i}`) })).map((p) => ({
    ...p,
    key: keyOf(p.peer),
  }))

export function lookupSuite(document: LookupDocument): void {
  test('vector distances', () => {
    for (const { a, b, distance: expected } of document.distances)
      assert.equal(toHex(distance(hex(a), hex(b))), expected)
  })

  for (const { population: size, target, k, closest_indexes } of document.close_groups) {
    test(`vector close group: ${k} of ${size}`, () => {
      assert.deepEqual(
        closest(hex(target), population(size), k).map(({ index }) => index),
        closest_indexes,
      )
    })
  }

  for (const vector of document.lookups) {
    test(`vector walk over ${vector.population}: rounds, result, termination`, () => {
      const nodes = population(vector.population)
      const indexOf = new Map(nodes.map(({ peer, index }) => [peer, index]))
      const target = hex(vector.target)
      const answers = Number(/answers its (\d+) closest/.exec(vector.rule)?.[1])
      const lookup = new Lookup(
        target,
        { self: peerOf('nobody'), known: nodes.slice(0, 3).map((n) => ({ ...n, addresses: [] })), now: 0 },
        LOOKUP_OPTIONS,
        { isEligible: () => true },
      )
      const rounds: number[][] = []
      for (let step = lookup.step(0); step.kind !== 'end'; step = lookup.step(0)) {
        assert.equal(step.kind, 'query')
        const asked = step.peers.map(({ peer }) => indexOf.get(peer) as number)
        rounds.push(asked)
        for (const i of asked) {
          const peer = (nodes[i] as { peer: PeerId }).peer
          if (i % 11 === 5) lookup.failed(peer, 0)
          else lookup.answered(peer, answerOf(i), 0)
        }
      }
      function answerOf(i: number): LookupEntry[] {
        const known = nodes.filter(({ index: j }) => j !== i && (31 * i + 17 * j) % 3 !== 0)
        return closest(target, known, answers).map(({ peer, key }) => ({
          peer,
          key,
          addresses: [],
          authority: { kind: 'hint' },
        }))
      }
      assert.deepEqual(rounds, vector.rounds)
      assert.deepEqual(
        lookup.result().map(({ peer }) => indexOf.get(peer)),
        vector.result,
      )
      assert.equal(lookup.rounds, vector.iterations)
      assert.equal(`Some(${lookup.ended?.[0]?.toUpperCase()}${lookup.ended?.slice(1)})`, vector.termination)
    })
  }
}
