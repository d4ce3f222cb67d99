import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { seededRandom } from '../../../src/base/index.ts'
import { FetchChunk, type FetchReply, type PeerRank } from '../../../src/client/fetch-chunk.ts'
import { CLIENT_DEFAULTS } from '../../../src/client/index.ts'
import { type Key, type PeerId, peerIdOf } from '../../../src/protocol/index.ts'

const target = new Uint8Array(32) as Key
/** Peers in order of distance to the zero target. */
const peers = Array.from({ length: 60 }, (_, i) => {
  const key = new Uint8Array(32)
  key[0] = i + 1
  return peerIdOf(key)
})

function machine(rankOf: (peer: PeerId) => PeerRank = () => 0, excluded?: Set<PeerId>) {
  return new FetchChunk(target, { random: seededRandom(1), rankOf }, CLIENT_DEFAULTS, excluded)
}

/** Asks one after another until nothing more is asked; every answer is `reply`. */
function drain(fetch: FetchChunk, reply: FetchReply, limit = 100): PeerId[] {
  const asked: PeerId[] = []
  for (let i = 0; i < limit; i++) {
    const { ask } = fetch.step(0)
    if (ask.length === 0) break
    for (const peer of ask) fetch.onReply(peer, reply)
    asked.push(...ask)
  }
  return asked
}

describe('FetchChunk', () => {
  it('asks nobody without candidates, one of the 7 nearest with them', () => {
    const fetch = machine()
    assert.deepEqual(fetch.step(0), { ask: [], slow: [], wakeAt: undefined, end: undefined })
    fetch.onCandidates(peers.slice(0, 20))
    const { ask, wakeAt } = fetch.step(0)
    assert.equal(ask.length, 1)
    assert.ok(peers.slice(0, 7).includes(ask[0] as PeerId))
    assert.equal(wakeAt, 1000)
  })

  it('early: the 7 nearest in random order, then by distance', () => {
    const fetch = machine()
    fetch.onCandidates(peers.slice(0, 15).toReversed())
    const asked = drain(fetch, 'notFound')
    assert.deepEqual(new Set(asked.slice(0, 7)), new Set(peers.slice(0, 7)))
    assert.notDeepEqual(asked.slice(0, 7), peers.slice(0, 7), 'shuffled')
    assert.deepEqual(asked.slice(7), peers.slice(7, 15))
    assert.equal(fetch.step(0).end, undefined, 'the lookup still runs')
  })

  it('early: 20 freely, up to 40 only nearer than 7 asked ones', () => {
    const fetch = machine()
    fetch.onCandidates(peers.slice(20))
    assert.equal(drain(fetch, 'notFound').length, 20)
    fetch.onCandidates(peers.slice(0, 20))
    assert.equal(drain(fetch, 'notFound').length, 7)
  })

  it('hedges after 1 s, names the slow one, never 3 at once', () => {
    const fetch = machine()
    fetch.onCandidates(peers.slice(0, 20))
    const [first] = fetch.step(0).ask
    assert.deepEqual(fetch.step(999).ask, [])
    const hedge = fetch.step(1000)
    assert.equal(hedge.ask.length, 1)
    assert.deepEqual(hedge.slow, [first])
    assert.equal(hedge.wakeAt, undefined)
    assert.deepEqual(fetch.step(5000).ask, [])
  })

  it('after the lookup: the closest list with its first 7 shuffled, then 20 others', () => {
    const fetch = machine()
    fetch.onCandidates(peers)
    fetch.onLookupEnd(peers.slice(0, 20))
    const asked = drain(fetch, 'notFound')
    assert.equal(asked.length, 40)
    assert.deepEqual(new Set(asked.slice(0, 7)), new Set(peers.slice(0, 7)))
    assert.deepEqual(asked.slice(7), peers.slice(7, 40))
    assert.equal(fetch.step(0).end, 'notFound')
  })

  it('peers of a bad rank come last', () => {
    const bad = new Set(peers.slice(0, 3))
    const fetch = machine((peer) => (bad.has(peer) ? 2 : 1))
    fetch.onCandidates(peers.slice(0, 10))
    assert.deepEqual(new Set(drain(fetch, 'notFound').slice(-3)), bad)
    const late = machine((peer) => (bad.has(peer) ? 2 : 1))
    late.onLookupEnd(peers.slice(0, 10))
    assert.deepEqual(new Set(drain(late, 'notFound').slice(-3)), bad)
  })

  const verdicts: { name: string; closest: number; others: number; replies: FetchReply[]; end: string }[] = [
    {
      name: '4 say no',
      closest: 4,
      others: 0,
      replies: ['notFound', 'notFound', 'notFound', 'notFound'],
      end: 'notFound',
    },
    { name: '3 of 3 say no', closest: 3, others: 0, replies: ['notFound', 'notFound', 'notFound'], end: 'notFound' },
    {
      name: 'one of 4 fails',
      closest: 4,
      others: 0,
      replies: ['notFound', 'notFound', 'failed', 'notFound'],
      end: 'inconclusive',
    },
    {
      name: 'one that the lookup did not meet fails',
      closest: 4,
      others: 1,
      replies: ['notFound', 'notFound', 'notFound', 'notFound', 'failed'],
      end: 'notFound',
    },
    {
      name: 'three of the nearest that the lookup did not meet fail',
      closest: 4,
      others: 3,
      replies: ['notFound', 'notFound', 'notFound', 'notFound', 'failed', 'failed', 'failed'],
      end: 'notFound',
    },
    {
      name: 'four of them, who may be all that have it',
      closest: 3,
      others: 4,
      replies: ['notFound', 'notFound', 'notFound', 'failed', 'failed', 'failed', 'failed'],
      end: 'inconclusive',
    },
    {
      name: 'four fail that are not among the nearest 7',
      closest: 7,
      others: 4,
      replies: [...Array<FetchReply>(7).fill('notFound'), 'failed', 'failed', 'failed', 'failed'],
      end: 'notFound',
    },
    {
      name: 'one lies',
      closest: 4,
      others: 1,
      replies: ['notFound', 'notFound', 'notFound', 'notFound', 'corrupt'],
      end: 'inconclusive',
    },
    {
      name: 'lookup failed, 3 say no',
      closest: 0,
      others: 3,
      replies: ['notFound', 'notFound', 'notFound'],
      end: 'inconclusive',
    },
    {
      name: 'lookup failed, 4 say no',
      closest: 0,
      others: 4,
      replies: ['notFound', 'notFound', 'notFound', 'notFound'],
      end: 'notFound',
    },
    { name: 'nobody', closest: 0, others: 0, replies: [], end: 'inconclusive' },
  ]
  for (const { name, closest, others, replies, end } of verdicts) {
    it(`${name}: ${end}`, () => {
      const fetch = machine()
      fetch.onCandidates(peers.slice(0, closest + others))
      fetch.onLookupEnd(peers.slice(0, closest))
      // The replies belong to the asked peers; the others are asked last.
      for (const reply of replies) {
        const [peer] = fetch.step(0).ask
        fetch.onReply(peer as PeerId, reply)
      }
      assert.equal(fetch.step(0).end, end)
    })
  }

  it('excluded peers are never asked', () => {
    const fetch = machine(undefined, new Set(peers.slice(0, 3)))
    fetch.onCandidates(peers.slice(0, 10))
    fetch.onLookupEnd(peers.slice(0, 10))
    assert.equal(drain(fetch, 'notFound').length, 7)
  })

  it('whatever happens: nobody is asked twice, never more than 2 wait, it ends', () => {
    fc.assert(
      fc.property(
        fc.integer(),
        fc.array(fc.tuple(fc.constantFrom('reply', 'candidates', 'wait', 'end'), fc.nat(59)), { maxLength: 200 }),
        (seed, events) => {
          const fetch = new FetchChunk(target, { random: seededRandom(seed), rankOf: () => 0 }, CLIENT_DEFAULTS)
          const asked = new Set<PeerId>()
          const waiting: PeerId[] = []
          let now = 0
          const step = () => {
            const { ask, end } = fetch.step(now)
            for (const peer of ask) {
              assert.ok(!asked.has(peer))
              asked.add(peer)
              waiting.push(peer)
            }
            assert.ok(waiting.length <= 2)
            return end
          }
          for (const [kind, n] of events) {
            if (kind === 'reply' && waiting.length > 0)
              fetch.onReply(waiting.shift() as PeerId, n % 2 ? 'failed' : 'notFound')
            if (kind === 'candidates') fetch.onCandidates(peers.slice(n, n + 20))
            if (kind === 'wait') now += n * 100
            if (kind === 'end') fetch.onLookupEnd(peers.slice(n, n + 20))
            step()
          }
          fetch.onLookupEnd([])
          let end = step()
          for (let i = 0; i < 200 && !end; i++) {
            const peer = waiting.shift()
            if (peer) fetch.onReply(peer, 'notFound')
            end = step()
          }
          assert.ok(end)
        },
      ),
    )
  })
})
