/**
 * Tables as a long life leaves them, without the life: each member meets its neighbours and a few peers of every
 * farther bucket, and the real admission decides. Sorted keys make each bucket of a member one range of the list, so
 * that ten thousand members take seconds.
 */
import { type Random, randomBelow } from '../../src/base/index.ts'
import { closest } from '../../src/dht/index.ts'
import { commonPrefixLength, type Key } from '../../src/protocol/index.ts'
import type { Member } from '../../test/unit/dht/support/world.ts'

export type Placed = Member & { readonly key: Key }

const NEIGHBOURS = 24
const PER_BUCKET = 8

export function meet(dice: Random, members: readonly Placed[]): void {
  const sorted = members.toSorted((a, b) => Buffer.compare(a.key, b.key))
  for (const member of sorted) {
    let [low, high] = [0, sorted.length]
    for (let depth = 0; high - low > NEIGHBOURS + 1; depth++) {
      // Everybody in low..high shares `depth` bits with the member; halves by the next one.
      const middle = split(sorted, low, high, depth)
      const own = bit(member.key, depth)
      const [farLow, farHigh] = own === 0 ? [middle, high] : [low, middle]
      if (own === 0 ? middle - low <= NEIGHBOURS : high - middle <= NEIGHBOURS) break
      for (let i = 0; i < PER_BUCKET && farHigh > farLow; i++)
        connect(member, sorted[farLow + randomBelow(dice, farHigh - farLow)] as Placed)
      ;[low, high] = own === 0 ? [low, middle] : [middle, high]
    }
    const near = closest(member.key, sorted.slice(low, high), NEIGHBOURS + 1)
    for (const other of near) if (other.peer !== member.peer) connect(member, other)
  }
}

function connect(a: Placed, b: Placed): void {
  if (commonPrefixLength(a.key, b.key) === 256) return
  a.network.opened(b.network, 'dialler')
  b.network.opened(a.network, 'acceptor')
}

/** First index of low..high whose key has a one at `depth`. */
function split(sorted: readonly Placed[], low: number, high: number, depth: number): number {
  let [from, to] = [low, high]
  while (from < to) {
    const middle = (from + to) >>> 1
    if (bit((sorted[middle] as Placed).key, depth) === 0) from = middle + 1
    else to = middle
  }
  return from
}

function bit(key: Uint8Array, index: number): number {
  return ((key[index >> 3] as number) >> (7 - (index & 7))) & 1
}
