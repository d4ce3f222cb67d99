/** Sessions, budgets and memories: every table has its limit, and every rule its edge. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import * as audit from '../../../src/audit/index.ts'
import { GiB, MiB, minute, second, seededRandom } from '../../../src/base/index.ts'
import { type ChunkAddress, chunkAddressOf, type PeerId, peerIdOf } from '../../../src/protocol/index.ts'
import { printedSeed } from './world.ts'

const seed = printedSeed('audit limits')
const random = seededRandom(seed)
const peers = (count: number): PeerId[] => Array.from({ length: count }, () => peerIdOf(random.bytes(32)))
const keys = (count: number): ChunkAddress[] => Array.from({ length: count }, () => chunkAddressOf(random.bytes(32)))
const aPin = () => audit.pinOf(random.bytes(32))
const options = (change: Partial<audit.AuditOptions>) => ({ ...audit.defaultAuditOptions, ...change })

describe('sessions', () => {
  const session = (pointers = 0): audit.Session => ({
    pin: aPin(),
    nonce: random.bytes(32),
    audited: new Set(),
    pointerRoots: new Map(keys(pointers).map((key) => [key, random.bytes(32)])),
  })
  test('live two minutes and answer once, to their challenger', () => {
    const sessions = new audit.Sessions()
    const [a, b] = peers(2) as [PeerId, PeerId]
    const first = session()
    sessions.open(a, 1n, first, 0)
    assert.equal(sessions.consume(b, 1n, 1), undefined)
    assert.equal(sessions.consume(a, 2n, 1), undefined)
    assert.equal(sessions.consume(a, 1n, 2 * minute - 1), first)
    assert.equal(sessions.consume(a, 1n, 2 * minute - 1), undefined)
    sessions.open(a, 1n, first, 0)
    assert.equal(sessions.consume(a, 1n, 2 * minute), undefined)
  })
  test('no more than 2048, and a place is free again after two minutes', () => {
    const sessions = new audit.Sessions()
    const all = peers(2049)
    const opened = all.map((peer, i) => sessions.open(peer, BigInt(i), session(), i))
    assert.equal(opened.filter(Boolean).length, 2048)
    assert.equal(opened.at(-1), false)
    assert.equal(sessions.open(all[2048] as PeerId, 0n, session(), 2 * minute), true)
    assert.equal(sessions.size, 2048)
  })
  test('pointer roots of all together are bounded, and given back', () => {
    const sessions = new audit.Sessions(options({ sessionBindings: 10 }))
    const [a, b] = peers(2) as [PeerId, PeerId]
    assert.ok(sessions.open(a, 1n, session(6), 0))
    assert.equal(sessions.open(b, 1n, session(5), 0), false)
    assert.ok(sessions.open(b, 2n, session(4), 0))
    assert.equal(sessions.bindings, 10)
    sessions.consume(a, 1n, 1)
    assert.equal(sessions.bindings, 4)
    // One of the same name takes the place of the old one.
    assert.ok(sessions.open(b, 2n, session(10), 1))
    assert.equal(sessions.bindings, 10)
    assert.equal(sessions.consume(a, 9n, 5 * minute), undefined)
    assert.equal(sessions.bindings, 0)
    assert.equal(sessions.size, 0)
  })
  test('one challenger starts a round 1 every thirty minutes, counted from those that were taken', () => {
    const cooldown = new audit.RoundOneCooldown()
    const [a, b] = peers(2) as [PeerId, PeerId]
    assert.ok(cooldown.take(a, 0))
    assert.ok(cooldown.take(b, 1))
    assert.equal(cooldown.take(a, 30 * minute - 1), false)
    assert.ok(cooldown.take(a, 30 * minute))
  })
})

describe('work budget', () => {
  test('after 8 GiB nobody is served until the balance is positive again', () => {
    const budget = new audit.WorkBudget(0)
    const leaves = (count: number, contentLength: number) => Array.from({ length: count }, () => ({ contentLength }))
    assert.ok(budget.admits(0))
    budget.charge(leaves(2048, 4 * MiB), 0)
    assert.equal(budget.balance(0), 0)
    assert.equal(budget.admits(0), false)
    assert.ok(budget.admits(1))
    budget.charge(leaves(1024, 4 * MiB), 1)
    // 4 GiB of debt less 64 KiB take 64 s.
    assert.equal(budget.admits(64 * second), false)
    assert.ok(budget.admits(64 * second + 2))
  })
  test('the debt ends at 8 GiB, the savings at 8 GiB, and the clock does not run back', () => {
    const budget = new audit.WorkBudget(0)
    budget.charge([{ contentLength: 100 * GiB }], 0)
    assert.equal(budget.balance(0), -8 * GiB)
    assert.equal(budget.balance(256 * second), 8 * GiB)
    assert.equal(budget.balance(10_000 * second), 8 * GiB)
    budget.charge([{ contentLength: GiB }], 10_000 * second)
    assert.equal(budget.balance(9_000 * second), 7 * GiB)
  })
  test('small leaves cost 4 KiB', () => {
    const budget = new audit.WorkBudget(0)
    budget.charge([{ contentLength: 0 }, { contentLength: 4096 }, { contentLength: 5000 }], 0)
    assert.equal(8 * GiB - budget.balance(0), 4096 + 4096 + 5000)
  })
})

describe('recent provers', () => {
  test('credit holds under the pin it was earned with, for forty minutes', () => {
    const provers = new audit.RecentProvers()
    const [[key, other], [a, b]] = [keys(2), peers(2)] as [[ChunkAddress, ChunkAddress], [PeerId, PeerId]]
    const [pin, rotated] = [aPin(), aPin()]
    provers.record(key, a, pin, 0)
    assert.ok(provers.credits(key, a, pin, 40 * minute - 1))
    assert.equal(provers.credits(key, a, rotated, 1), false)
    assert.equal(provers.credits(key, b, pin, 1), false)
    assert.equal(provers.credits(other, a, pin, 1), false)
    assert.equal(provers.credits(key, a, pin, 40 * minute), false)
    assert.equal(provers.keys, 0)
  })
  test('sixteen a key, the oldest leaves; a refresh does not grow it and renews its place', () => {
    const provers = new audit.RecentProvers()
    const [key] = keys(1) as [ChunkAddress]
    const [all, pin] = [peers(17), aPin()]
    for (const [i, peer] of all.slice(0, 16).entries()) provers.record(key, peer, pin, i)
    provers.record(key, all[0] as PeerId, pin, 20)
    assert.equal(provers.proversOf(key), 16)
    provers.record(key, all[16] as PeerId, pin, 21)
    assert.equal(provers.proversOf(key), 16)
    const credited = all.map((peer) => provers.credits(key, peer, pin, 22))
    assert.deepEqual(
      credited.flatMap((has, i) => (has ? [] : [i])),
      [1],
    )
  })
  test('forgetting a peer, or what it has under one pin', () => {
    const provers = new audit.RecentProvers()
    const [all, [a, b], pin, old] = [keys(10), peers(2) as [PeerId, PeerId], aPin(), aPin()]
    for (const [i, key] of all.entries()) {
      provers.record(key, a, i < 3 ? old : pin, 0)
      provers.record(key, b, pin, 0)
    }
    provers.forget(a, old)
    assert.equal(all.filter((key) => provers.credits(key, a, old, 1)).length, 0)
    assert.equal(all.filter((key) => provers.credits(key, a, pin, 1)).length, 7)
    provers.forget(a)
    assert.equal(all.filter((key) => provers.credits(key, a, pin, 1)).length, 0)
    assert.equal(all.filter((key) => provers.credits(key, b, pin, 1)).length, 10)
    assert.equal(provers.peers, 1)
    provers.forget(b)
    assert.equal(provers.keys, 0)
    assert.equal(provers.peers, 0)
  })
  test('so many keys and no more; the one proven longest ago leaves', () => {
    const provers = new audit.RecentProvers(options({ provenKeys: 100 }))
    const [all, [a], pin] = [keys(150), peers(1) as [PeerId], aPin()]
    for (const key of all) provers.record(key, a, pin, 0)
    assert.equal(provers.keys, 100)
    assert.deepEqual(
      all.map((key) => provers.credits(key, a, pin, 1)),
      all.map((_, i) => i >= 50),
    )
    // Proven again, the oldest one becomes the newest.
    provers.record(all[50] as ChunkAddress, a, pin, 1)
    for (const key of keys(99)) provers.record(key, a, pin, 1)
    assert.deepEqual(
      all.flatMap((key, i) => (provers.credits(key, a, pin, 1) ? [i] : [])),
      [50],
    )
    provers.expire(40 * minute + 1)
    assert.equal(provers.keys, 0)
    assert.equal(provers.peers, 0)
  })
  test('counts agree after any mix of calls', () => {
    const provers = new audit.RecentProvers(options({ provenKeys: 20, proversPerKey: 3 }))
    const [all, some, pins] = [keys(30), peers(6), [aPin(), aPin()]]
    const pick = <T>(items: readonly T[]) => items[Math.floor(random.float() * items.length)] as T
    for (let i = 0; i < 5000; i++) {
      const dice = random.float()
      if (dice < 0.8) provers.record(pick(all), pick(some), pick(pins), i * second)
      else if (dice < 0.9) provers.forget(pick(some), dice < 0.85 ? undefined : pick(pins))
      else if (dice < 0.98) provers.credits(pick(all), pick(some), pick(pins), i * second)
      else provers.expire(i * second)
      assert.ok(provers.keys <= 20)
      for (const key of all) assert.ok(provers.proversOf(key) <= 3)
    }
    for (const peer of some) provers.forget(peer)
    assert.equal(provers.keys, 0, `SEED=${seed}`)
  })
})
