/** The nodes nearest to a key among thousands, exactly, without looking at all of them: for 100,000 keys. */
import type { SimulatedNode } from '../../src/devnet/simulated-node.ts'
import { closest } from '../../src/dht/index.ts'
import { type Key, keyOf } from '../../src/protocol/index.ts'

interface Placed {
  readonly node: SimulatedNode
  readonly key: Key
}

/** Leading bits that divide nodes into groups: a few in each of 256. */
const GROUPS = 256

export class Placement {
  /** By the first byte of the key. */
  readonly #groups: Placed[][] = Array.from({ length: GROUPS }, () => [])

  constructor(nodes: Iterable<SimulatedNode>) {
    for (const node of nodes) {
      const key = keyOf(node.peerId)
      this.#groups[key[0] as number]?.push({ node, key })
    }
  }

  /** Groups in the order of their distance: XOR with 0, 1, 2 ... of the first byte. */
  nearest(target: Key, count: number): SimulatedNode[] {
    const found: Placed[] = []
    for (let distance = 0; distance < GROUPS && found.length < count; distance++) {
      const group = this.#groups[(target[0] as number) ^ distance] as Placed[]
      found.push(...closest(target, group, count - found.length))
    }
    return found.map(({ node }) => node)
  }
}
