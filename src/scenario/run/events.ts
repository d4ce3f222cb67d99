/** What happens to the network, done to it. Nothing here waits. */
import { SIMULATED_ROOT, type SimulatedNode } from '../../devnet/index.ts'
import { countOf, strikes } from '../amounts.ts'
import type { Moment, Span } from '../scenario.ts'
import { pathOf } from './chunk-files.ts'
import { some, type Town } from './town.ts'
import { worstOf } from './worst-of.ts'

/**
 * Spans may overlap and outlive a restart: what is out of order follows at each beginning and each end from all spans
 * that go on.
 */
export class Happenings {
  readonly #town: Town
  /** Whom each span that goes on has struck. */
  readonly #struck = new Map<Span, readonly SimulatedNode[]>()
  /** Of `one-way`: who cannot dial whom. */
  readonly #blocked = new Map<Span, readonly [from: SimulatedNode, to: SimulatedNode][]>()

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
    const struck = this.#chosen(span)
    const pairs = span.kind === 'one-way' ? this.#pairs(span.share) : []
    this.#struck.set(span, struck)
    this.#blocked.set(span, pairs)
    this.#apply(span, struck)
    return struck.length + pairs.length
  }

  end(span: Span): void {
    const struck = this.#struck.get(span) ?? []
    this.#struck.delete(span)
    this.#blocked.delete(span)
    this.#apply(span, struck)
  }

  #chosen({ kind, share }: Span): SimulatedNode[] {
    const { dice, live } = this.#town
    if (kind === 'loss' || kind === 'one-way') return []
    // Disks that are full for good stay so afterwards.
    const open = live.filter((node) => kind !== 'full' || !this.#town.roleOf(node).full || this.#strikes('full', node))
    return some(dice, open, strikes(share, live.length))
  }

  #pairs(share: number): [SimulatedNode, SimulatedNode][] {
    const { dice, live } = this.#town
    const pairs = live.flatMap((from) =>
      live.filter((to) => from !== to && dice.float() < share).map((to): [SimulatedNode, SimulatedNode] => [from, to]),
    )
    if (pairs.length > 0 || share === 0) return pairs
    const [from, to] = some(dice, live, 2)
    return from && to ? [[from, to]] : []
  }

  #apply({ kind }: Span, struck: readonly SimulatedNode[]): void {
    if (kind === 'loss') this.#lose()
    else if (kind === 'one-way') this.#blockDials()
    else if (kind === 'partition') this.#split()
    else if (kind === 'full') for (const node of struck) this.#town.setFull(node, this.#strikes('full', node))
    else if (kind === 'disks') for (const node of struck) this.#breakDisk(node)
  }

  #spans(kind: Span['kind']): Span[] {
    return [...this.#struck.keys()].filter((span) => span.kind === kind)
  }

  #strikes(kind: Span['kind'], node: SimulatedNode): boolean {
    return this.#spans(kind).some((span) => this.#struck.get(span)?.includes(node))
  }

  #lose(): void {
    const shares = this.#spans('loss').map(({ share }) => share)
    this.#town.net.world.network.setPacketLoss(shares.length > 0 ? Math.max(...shares) : this.#town.scenario.loss)
  }

  #blockDials(): void {
    const { network } = this.#town.net.world
    network.allowDials()
    for (const pairs of this.#blocked.values()) for (const [from, to] of pairs) network.blockDials(from.host, to.host)
  }

  #breakDisk(node: SimulatedNode): void {
    const spans = this.#spans('disks').filter((span) => this.#struck.get(span)?.includes(node))
    const { unplugged, ...faults } = worstOf(spans.flatMap(({ fault }) => fault ?? []))
    node.disk.fail(faults)
    if (!unplugged) node.disk.plugIn()
    else if (!node.disk.unplugged) node.disk.unplug(SIMULATED_ROOT)
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

  /** Of all copies on live disks, so many lose a bit. */
  #rot(amount: Moment['amount']): number {
    const { dice, live } = this.#town
    const copies = live.flatMap((node) => [...node.store.keys()].map((address) => ({ node, address })))
    let struck = 0
    for (const { node, address } of some(dice, copies, countOf(amount, copies.length))) {
      const path = pathOf(address)
      if (node.disk.fileAt(path) === undefined) continue
      struck++
      node.disk.rot(path, dice)
    }
    return struck
  }
}
