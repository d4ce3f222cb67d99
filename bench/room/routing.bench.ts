/**
 * Every answer to a neighbour scans the routing table, every walk runs the lookup machine: does either cost more than the
 * signature of the message that it belongs to (about 0.1 ms natively)? And does it grow with the network?
 */
import { type Random, seededRandom } from '../../src/base/index.ts'
import { closest } from '../../src/dht/index.ts'
import { Lookup } from '../../src/dht/lookup.ts'
import { RoutingTable } from '../../src/dht/routing-table.ts'
import { ADDRESS_TYPE, type Key, keyOf, type PeerId, peerIdOf, quicMultiaddr } from '../../src/protocol/index.ts'
import { compare, type Row, rowOf } from '../measure.ts'
import { benchFile, type Context, type Step } from '../shelf.ts'

const K = 20

interface Known {
  readonly peer: PeerId
  readonly key: Key
}

export default benchFile({
  steps: (context) => {
    const counts = context.level === 'smoke' ? [100] : [10, 100, 1000, 10_000]
    return [...counts.map((count) => table(count, context)), ...counts.slice(-2).map((count) => walk(count, context))]
  },
})

function table(count: number, { effort }: Context): Step<undefined> {
  const id = `routing table of ${count} peers met`
  return {
    id,
    async run() {
      const dice = seededRandom(count)
      const peers = somePeers(dice, count)
      const full = filled(peers[0] as Known, peers)
      const targets = Array.from({ length: 64 }, () => dice.bytes(32))
      let next = 0
      const target = () => targets[next++ & 63] as Uint8Array
      const row = await compare(
        id,
        [
          { name: `closest ${K}`, run: () => full.closest(target(), K) },
          { name: 'is responsible', run: () => full.isResponsible(target(), K) },
          { name: 'insert all', run: () => filled(peers[0] as Known, peers) },
        ],
        effort,
      )
      return { ...row, place: { chart: 'Routing table', x: count, xTitle: 'peers met', xUnit: 'n' } }
    },
  }
}

/** The state machine alone: answers come at once, from tables that are as full as they get. */
function walk(count: number, { effort }: Context): Step<undefined> {
  const id = `lookup machine, ${count} peers`
  return {
    id,
    async run(): Promise<Row[]> {
      const dice = seededRandom(count + 1)
      const peers = somePeers(dice, count)
      // What a peer would answer, without the cost of finding it: a different slice of the nearest for each.
      const targets = Array.from({ length: 8 }, () => dice.bytes(32) as Key)
      const nearest = targets.map((target) => closest(target, peers, 60))
      const asked: number[] = []
      let next = 0
      const run = () => {
        const at = next++ & 7
        asked.push(lookup(targets[at] as Key, peers, nearest[at] as Known[]))
        if (asked.length > 1000) asked.length = 0
      }
      const row = await compare(id, [{ name: 'walks', run }], effort)
      return [row, rowOf(`${id}: peers asked`, 'peers', [['walks', asked]], { better: 'lower', population: true })]
    },
  }
}

function lookup(target: Key, peers: readonly Known[], nearest: readonly Known[]): number {
  const start = { self: (peers[0] as Known).peer, known: withAddresses(peers.slice(1, K + 1)), now: 0 }
  const walk = new Lookup(target, start, OPTIONS, { isEligible: () => true })
  let asked = 0
  for (;;) {
    const step = walk.step(0)
    if (step.kind !== 'query') return asked
    for (const { peer } of step.peers) {
      const from = (asked++ * 7) % 40
      walk.answered(peer, withAddresses(nearest.slice(from, from + K)), 0)
    }
  }
}

const OPTIONS = {
  ...{ count: K, alpha: 3, maxRounds: 20, maxCandidates: 200, answerLimit: K },
  ...{ graceMs: 5000, silentMs: 10_000, deadlineMs: 60_000 },
}

const ADDRESSES = [{ address: quicMultiaddr({ ip: '21.3.4.1', port: 10_000 }), type: ADDRESS_TYPE.direct }]

const HINT = { kind: 'hint' } as const

function withAddresses(peers: readonly Known[]) {
  return peers.map((known) => ({ ...known, addresses: ADDRESSES, authority: HINT }))
}

function filled(self: Known, peers: readonly Known[]): RoutingTable {
  const table = new RoutingTable(self.peer, { bucketSize: K, now: 0 })
  for (const { peer, key } of peers) {
    if (peer === self.peer || table.bucketOf(key).size >= K) continue
    table.insert({ peer, key, addresses: ADDRESSES, lastSeen: 0, publication: undefined })
  }
  return table
}

function somePeers(dice: Random, count: number): Known[] {
  return Array.from({ length: count }, () => {
    const peer = peerIdOf(dice.bytes(32))
    return { peer, key: keyOf(peer) }
  })
}
