import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Random, randomBelow, second } from '../../../src/base/index.ts'
import { type ChunkAddress, keyOf, type PeerId } from '../../../src/protocol/index.ts'
import { type FreshAction, FreshReplication } from '../../../src/replication/fresh/fresh-replication.ts'
import { OfferMerge } from '../../../src/replication/fresh/offer-merge.ts'
import { REPLICATION_DEFAULTS as options } from '../../../src/replication/options.ts'
import { OwnView } from '../../../src/replication/view/own-view.ts'
import { address, forSeeds, many, peerId, pick } from './support/seeds.ts'

/** Nodes that all run the machine, over links that take 20 to 400 ms and may lose what they carry. */
class Town {
  readonly random: Random
  readonly peers: PeerId[]
  readonly nodes = new Map<PeerId, { fresh: FreshReplication; view: OwnView; held: Set<string>; paid: Set<string> }>()
  readonly dead = new Set<PeerId>()
  readonly counts = { offers: 0, accepted: 0, notifies: 0, probes: 0, loads: 0 }
  readonly possession: FreshAction[] = []
  lossPercent = 0
  sendMs = 400
  now = 0
  readonly #queue: { at: number; order: number; run: () => void }[] = []
  #order = 0

  constructor(random: Random, size: number) {
    this.random = random
    this.peers = many(size, () => peerId(random))
    for (const peer of this.peers) {
      const view = new OwnView(peer, this.peers)
      this.nodes.set(peer, { fresh: new FreshReplication(options), view, held: new Set(), paid: new Set() })
    }
  }
  after(ms: number, run: () => void) {
    this.#queue.push({ at: this.now + ms, order: this.#order++, run })
  }
  lost() {
    return randomBelow(this.random, 100) < this.lossPercent
  }
  node(peer: PeerId) {
    const node = this.nodes.get(peer)
    assert.ok(node)
    return node
  }
  put(peer: PeerId, key: ChunkAddress) {
    const { held, paid, fresh, view } = this.node(peer)
    held.add(key)
    paid.add(key)
    fresh.stored(key, view, this.now)
  }
  #deliver(to: PeerId, run: (node: ReturnType<Town['node']>) => void) {
    const ms = 20 + randomBelow(this.random, 380)
    if (!this.dead.has(to) && !this.lost()) this.after(ms, () => run(this.node(to)))
  }
  #do(from: PeerId, action: FreshAction) {
    const { fresh } = this.node(from)
    if (action.kind === 'probe') {
      this.counts.probes++
      let open = true
      const close = (results?: { key: ChunkAddress; present: boolean; paid: boolean }[]) => {
        if (open) fresh.probed(action.peer, results)
        open = false
      }
      this.after(15 * second, () => close())
      this.#deliver(action.peer, ({ held, paid }) => {
        const results = action.keys.map((key) => ({ key, present: held.has(key), paid: paid.has(key) }))
        this.#deliver(from, () => close(results))
      })
    } else if (action.kind === 'load') {
      this.counts.loads++
      this.after(5, () => fresh.loaded(action.key, 'loaded', this.now))
    } else if (action.kind === 'offer') {
      this.counts.offers++
      const { key, peer } = action
      this.after(this.sendMs, () => {
        const ok = !this.dead.has(peer) && !this.lost()
        fresh.sent(key, peer, ok, this.now)
        if (!ok) return
        this.#deliver(peer, ({ held, paid }) => {
          if (!held.has(key)) this.counts.accepted++
          held.add(key)
          paid.add(key)
          this.#deliver(from, () => fresh.answered(key, peer, true))
        })
      })
    } else if (action.kind === 'notify') {
      this.counts.notifies++
      this.#deliver(action.peer, ({ paid }) => paid.add(action.key))
    } else if (action.kind === 'checkPossession') this.possession.push(action)
  }
  #work() {
    for (const [peer, { fresh, view }] of this.nodes) {
      for (const action of fresh.step(view, this.now)) this.#do(peer, action)
      assert.ok(fresh.encoded <= 8 && fresh.sending <= 3)
    }
  }
  run(ms: number) {
    const end = this.now + ms
    for (;;) {
      this.#work()
      const timed = [...this.nodes.values()].map(({ fresh }) => fresh.nextAt ?? Number.POSITIVE_INFINITY)
      this.#queue.sort((a, b) => a.at - b.at || a.order - b.order)
      const next = Math.min(this.#queue[0]?.at ?? Number.POSITIVE_INFINITY, ...timed)
      if (next > end) break
      this.now = Math.max(this.now, next)
      while (this.#queue[0] && this.#queue[0].at <= this.now) this.#queue.shift()?.run()
    }
    this.now = end
  }
}

test('scenario 1 and 24: four PUTs become seven copies by three offers; each of the 20 closest hears of the payment', () => {
  forSeeds(10, (random) => {
    const town = new Town(random, 40)
    const key = address(random)
    const closest = new OwnView(pick(random, town.peers), town.peers).closest(keyOf(key), 21)
    for (const peer of closest.slice(0, 4)) town.put(peer, key)
    town.run(60 * second)
    const holders = town.peers.filter((peer) => town.node(peer).held.has(key))
    assert.deepEqual(new Set(holders), new Set(closest.slice(0, 7)))
    assert.equal(town.counts.offers, 3, 'each missing copy was sent once')
    for (const peer of closest.slice(0, 20)) assert.ok(town.node(peer).paid.has(key))
    // 16 that got no offer and no PUT, and the 21st: each storer's 20 leave itself out.
    assert.ok(town.counts.notifies <= 24, `${town.counts.notifies} notifies, the network sends 80`)
    assert.equal(town.possession.length, 4)
    for (const { fresh } of town.nodes.values()) assert.deepEqual([fresh.size, fresh.encoded, fresh.sending], [0, 0, 0])
  })
})

test('the closest storer is lost right after the PUTs: the next by rank does its work', () => {
  forSeeds(10, (random) => {
    const town = new Town(random, 40)
    const key = address(random)
    const closest = new OwnView(pick(random, town.peers), town.peers).closest(keyOf(key), 20)
    for (const peer of closest.slice(1, 4)) town.put(peer, key)
    town.dead.add(closest[0] as PeerId)
    town.run(120 * second)
    for (const peer of closest.slice(1, 7)) assert.ok(town.node(peer).held.has(key))
    for (const peer of closest.slice(1)) assert.ok(town.node(peer).paid.has(key))
  })
})

test('28.1 a burst of 100 PUTs: never more than 8 encoded offers or 3 sends, all spread, at most 9 copies moved a key', () => {
  forSeeds(3, (random) => {
    const town = new Town(random, 25)
    const view = new OwnView(town.peers[0] as PeerId, town.peers)
    const keys = many(100, () => address(random))
    for (const key of keys) for (const peer of view.closest(keyOf(key), 4)) town.put(peer, key)
    town.sendMs = 100
    town.run(300 * second)
    for (const key of keys)
      for (const peer of view.closest(keyOf(key), 7)) assert.ok(town.node(peer).held.has(key), 'a copy is missing')
    assert.ok((400 + town.counts.offers) / 100 <= 9, `${town.counts.offers} offers`)
    for (const { fresh } of town.nodes.values()) assert.deepEqual([fresh.size, fresh.encoded, fresh.sending], [0, 0, 0])
    assert.ok(town.counts.probes < 20 * 400, 'probes of one moment go together')
  })
})

test('a fifth of everything lost, dead peers among the group: every plan ends, the living hear or are tried', () => {
  forSeeds(15, (random) => {
    const town = new Town(random, 30)
    town.lossPercent = 20
    const keys = many(10, () => address(random))
    for (const peer of many(4, () => pick(random, town.peers))) town.dead.add(peer)
    for (const key of keys)
      for (const peer of new OwnView(town.peers[0] as PeerId, town.peers).closest(keyOf(key), 4))
        if (!town.dead.has(peer)) town.put(peer, key)
    town.run(300 * second)
    for (const { fresh } of town.nodes.values()) {
      assert.deepEqual([fresh.size, fresh.encoded, fresh.sending, fresh.nextAt], [0, 0, 0, undefined])
    }
  })
})

/** One node alone with scripted answers. */
function alone(size = 30) {
  let made: { fresh: FreshReplication; view: OwnView; key: ChunkAddress } | undefined
  forSeeds(1, (random) => {
    const peers = many(size, () => peerId(random))
    const key = address(random)
    const self = new OwnView(peers[0] as PeerId, peers).closest(keyOf(key), 1)[0] as PeerId
    made = { fresh: new FreshReplication(options), view: new OwnView(self, peers), key }
  })
  assert.ok(made)
  const { fresh, view, key } = made
  const group = view.closest(keyOf(key), 21).slice(1)
  const kinds = (actions: FreshAction[]) => actions.map(({ kind }) => kind)
  const probeAll = (present: readonly PeerId[], paid: readonly PeerId[] = present) => {
    for (const peer of group) fresh.probed(peer, [{ key, present: present.includes(peer), paid: paid.includes(peer) }])
  }
  return { fresh, view, key, group, kinds, probeAll }
}

test('who accepted needs no notify, who rejected, was silent or could not be reached gets one', () => {
  const { fresh, view, key, group, probeAll } = alone()
  fresh.stored(key, view, 0)
  assert.equal(fresh.step(view, 0).length, 20)
  probeAll(group.slice(0, 2))
  // Who needs no bytes hears of the payment at once.
  const atOnce = group.slice(6).map((peer) => ({ kind: 'notify' as const, key, peer }))
  assert.deepEqual(fresh.step(view, 0), [...atOnce, { kind: 'load', key }])
  fresh.loaded(key, 'loaded', 0)
  const offers = fresh.step(view, 0).map((action) => (action.kind === 'offer' ? action.peer : action.kind))
  assert.deepEqual(offers, group.slice(2, 5))
  const [accepts, rejects, silent, broken] = group.slice(2, 6) as [PeerId, PeerId, PeerId, PeerId]
  fresh.answered(key, accepts, true)
  for (const peer of [accepts, rejects, silent]) fresh.sent(key, peer, true, 0)
  fresh.answered(key, rejects, false)
  for (let attempt = 1; attempt <= 3; attempt++) {
    assert.deepEqual(fresh.step(view, 0), [{ kind: 'offer', key, peer: broken }])
    fresh.sent(key, broken, false, 0)
  }
  assert.deepEqual(fresh.step(view, 0), [{ kind: 'release', key }])
  assert.deepEqual(fresh.step(view, options.freshGatherMs), [])
  assert.equal(fresh.nextAt, options.freshAnswerTimeoutMs)
  const end = fresh.step(view, options.freshAnswerTimeoutMs)
  const notified = end.flatMap((action) => (action.kind === 'notify' ? [action.peer] : []))
  assert.deepEqual(notified, [rejects, silent, broken])
  assert.deepEqual(end.slice(-2), [
    { kind: 'checkPossession', key, peers: group.slice(0, 6) },
    { kind: 'done', key },
  ])
  assert.equal(fresh.size, 0)
})

test('the bytes are read once for all who lack them: answers of targets are waited for, a second at most', () => {
  const { fresh, view, key, group } = alone()
  fresh.stored(key, view, 0)
  fresh.step(view, 0)
  const absent = [{ key, present: false, paid: false }]
  for (const peer of group.slice(0, 5)) fresh.probed(peer, absent)
  assert.deepEqual(fresh.step(view, options.freshGatherMs - 1), [], 'one target is still silent')
  assert.deepEqual(fresh.step(view, options.freshGatherMs), [{ kind: 'load', key }])
  fresh.loaded(key, 'loaded', 1000)
  fresh.probed(group[5] as PeerId, absent)
  assert.equal(fresh.step(view, 1000).filter(({ kind }) => kind === 'offer').length, options.freshSends)
})

test('read-back: missing is skipped, a disk error is tried 7 times with pauses 1 to 32 s; the payment is told anyway', () => {
  for (const outcome of ['missing', 'failed'] as const) {
    const { fresh, view, key, kinds, probeAll } = alone()
    fresh.stored(key, view, 0)
    fresh.step(view, 0)
    probeAll([])
    let [now, attempts] = [0, 0]
    let notified = 0
    const step = () => {
      const actions = fresh.step(view, now)
      notified += kinds(actions).filter((kind) => kind === 'notify').length
      return actions
    }
    let actions = step()
    while (kinds(actions).includes('load')) {
      attempts++
      fresh.loaded(key, outcome, now)
      actions = step()
      if (actions.length === 0) {
        now = fresh.nextAt as number
        actions = step()
      }
    }
    assert.deepEqual([attempts, now], outcome === 'missing' ? [1, 0] : [7, 63 * second])
    assert.equal(notified, 20)
    assert.deepEqual([fresh.size, fresh.encoded], [0, 0])
  }
})

test('questions of the moment go together, one request a peer at a time', () => {
  const { fresh, view, key, group } = alone()
  const second = (key.slice(0, 62) + (key.endsWith('00') ? '11' : '00')) as ChunkAddress
  fresh.stored(key, view, 0)
  fresh.step(view, 0)
  fresh.stored(second, view, 0)
  assert.deepEqual(fresh.step(view, 0), [])
  fresh.probed(group[0] as PeerId, undefined)
  const next = fresh.step(view, 0).filter(({ kind }) => kind === 'probe')
  assert.deepEqual(next, [{ kind: 'probe', peer: group[0], keys: [second], paidListCheckIndices: [0] }])
})

test('plans are bounded, a key has one', () => {
  forSeeds(1, (random) => {
    const fresh = new FreshReplication({ ...options, freshWaiting: 5 })
    const view = new OwnView(peerId(random), [])
    const keys = many(8, () => address(random))
    assert.deepEqual(
      keys.map((key) => fresh.stored(key, view, 0)),
      [true, true, true, true, true, false, false, false],
    )
    fresh.step(view, 0)
    assert.equal(fresh.size, 0, 'alone in the world: nobody to tell')
  })
})

test('5.2 nr 7: offers for one key are merged: 4 different proofs, one a source; the fifth is refused', () => {
  const merge = new OfferMerge(options)
  forSeeds(1, (random) => {
    const key = address(random)
    const sources = many(6, () => peerId(random))
    const proofs = many(6, () => random.bytes(32))
    const offer = (source: number, proof: number) =>
      merge.offer(key, sources[source] as PeerId, proofs[proof] as Uint8Array)
    assert.deepEqual(
      [offer(0, 0), offer(1, 1), offer(1, 2), offer(2, 1), offer(2, 2), offer(3, 3), offer(4, 4)],
      ['first', 'merged', 'duplicate', 'duplicate', 'merged', 'merged', 'duplicate'],
    )
    // A message that was merged is given back before its proof has its turn.
    const given = proofs.map((proof) => proof.slice())
    for (const proof of proofs.slice(1)) proof.fill(0)
    const tried = many(5, () => merge.nextProof(key))
    assert.deepEqual(
      tried.map((next) => next?.source),
      [...sources.slice(0, 4), undefined],
    )
    assert.deepEqual(
      tried.slice(0, 4).map((next) => next?.proof),
      given.slice(0, 4),
    )
    assert.deepEqual(merge.finish(key), sources.slice(0, 4))
    assert.deepEqual([merge.size, merge.finish(key)], [0, []])
    const places = many(20, () => merge.offer(address(random), sources[0] as PeerId, proofs[0] as Uint8Array))
    assert.equal(places.filter((place) => place === 'first').length, 16)
  })
})
