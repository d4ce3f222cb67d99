/** What happens to the network, done to it. Nothing here waits. */
import { SIMULATED_ROOT, type SimulatedNode } from '../../devnet/index.ts'
import type { ChunkAddress } from '../../protocol/index.ts'
import { countOf, strikes } from '../amounts.ts'
import type { Moment, Span } from '../scenario.ts'
import { some, type Town } from './town.ts'

export class Happenings {
  readonly #town: Town
  /** Whom a span has struck, to be undone at its end. */
  readonly #struck = new Map<Span, readonly SimulatedNode[]>()

  constructor(town: Town) {
    this.#town = town
  }

  /** How many nodes, or copies, it struck. */
  moment({ kind, amount }: Moment): number {
    const { net, dice, live } = this.#town
    switch (kind) {
      case 'kill': {
        const struck = some(dice, live, countOf(amount, live.length))
        for (const node of struck) net.kill(node)
        return struck.length
      }
      case 'restart': {
        const down = net.nodes.filter(({ host }) => !host.up)
        const back = some(dice, down, countOf(amount, down.length))
        for (const node of back) this.#town.restart(node)
        return back.length
      }
      case 'replace': {
        const struck = some(dice, live, countOf(amount, live.length))
        for (const node of struck) {
          this.#town.remove(node)
          this.#town.join()
        }
        return struck.length
      }
      case 'join': {
        const count = amount.kind === 'count' ? amount.count : strikes(amount.share, live.length)
        for (let left = count; left > 0; left--) this.#town.join()
        return count
      }
      case 'rot':
        return this.#rot(amount)
    }
  }

  /** How many nodes, or ordered pairs of them, it struck; of `loss` it is none. */
  begin(span: Span): number {
    const { net, dice, live } = this.#town
    const { network } = net.world
    if (span.kind === 'one-way') return this.#blockDials(span.share)
    if (span.kind === 'loss') {
      network.setPacketLoss(span.share)
      return 0
    }
    // Disks that were full before stay so afterwards.
    const open = span.kind === 'full' ? live.filter((node) => !this.#town.roleOf(node).full) : live
    const struck = some(dice, open, strikes(span.share, live.length))
    this.#struck.set(span, struck)
    if (span.kind === 'partition') this.#split()
    else for (const node of struck) this.#spoil(node, span)
    return struck.length
  }

  end(span: Span): void {
    const { network } = this.#town.net.world
    if (span.kind === 'loss') network.setPacketLoss(this.#town.scenario.loss)
    if (span.kind === 'one-way') network.allowDials()
    const struck = this.#struck.get(span) ?? []
    this.#struck.delete(span)
    if (span.kind === 'partition') this.#split()
    for (const node of struck) this.#mend(node, span)
  }

  /** Each partition is an island; all others, and who comes later, are the mainland. */
  #split(): void {
    const taken = new Set<SimulatedNode>()
    const partitions = [...this.#struck].filter(([{ kind }]) => kind === 'partition')
    const islands = partitions.map(([, island]) =>
      island.filter((node) => !taken.has(node) && taken.add(node)).map(({ host }) => host),
    )
    this.#town.net.world.network.partition(islands)
  }

  #blockDials(share: number): number {
    const { dice, live, net } = this.#town
    let blocked = 0
    for (const from of live) {
      for (const to of live) {
        if (from === to || dice.float() >= share) continue
        net.world.network.blockDials(from.host, to.host)
        blocked++
      }
    }
    const [from, to] = blocked === 0 && share > 0 ? some(dice, live, 2) : []
    if (!from || !to) return blocked
    net.world.network.blockDials(from.host, to.host)
    return 1
  }

  #spoil(node: SimulatedNode, { kind, fault }: Span): void {
    if (kind === 'full') this.#town.setFull(node, true)
    else if (fault === 'unplugged') node.disk.unplug(SIMULATED_ROOT)
    else if (fault === 'read-only') node.disk.fail({ readOnly: true })
    else if (fault !== undefined) node.disk.fail({ failing: fault })
  }

  #mend(node: SimulatedNode, { kind, fault }: Span): void {
    if (kind === 'full') this.#town.setFull(node, false)
    else if (fault === 'unplugged') node.disk.plugIn()
    else if (fault !== undefined) node.disk.fail({})
  }

  /** Of all copies on live disks, so many lose a bit. */
  #rot(amount: Moment['amount']): number {
    const { dice, live, rotten } = this.#town
    const copies = live.flatMap((node) => [...node.store.keys()].map((address) => ({ node, address })))
    let struck = 0
    for (const { node, address } of some(dice, copies, countOf(amount, copies.length))) {
      const path = pathOf(address)
      if (node.disk.fileAt(path) === undefined) continue
      struck++
      node.disk.rot(path, dice)
      const own = rotten.get(node) ?? new Map<ChunkAddress, string>()
      rotten.set(node, own.set(address, path))
    }
    return struck
  }
}

/** Where the store of a node keeps the chunk (storage.md 3). */
function pathOf(address: ChunkAddress): string {
  return `${SIMULATED_ROOT}/chunks/${address.slice(-2)}/${address}`
}
