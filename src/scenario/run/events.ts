/** What happens to the network, done to it. Nothing here waits. */
import { SIMULATED_ROOT, type SimulatedNode } from '../../devnet/index.ts'
import type { ChunkAddress } from '../../protocol/index.ts'
import type { Moment, Span } from '../scenario.ts'
import { countOf } from '../timeline.ts'
import { some, type Town } from './town.ts'

export class Happenings {
  readonly #town: Town
  /** Whom a span has struck, to be undone at its end. */
  readonly #struck = new Map<Span, readonly SimulatedNode[]>()

  constructor(town: Town) {
    this.#town = town
  }

  moment({ kind, amount }: Moment): void {
    const { net, dice, live } = this.#town
    switch (kind) {
      case 'kill':
        for (const node of some(dice, live, countOf(amount, live.length))) net.kill(node)
        return
      case 'restart': {
        const down = net.nodes.filter(({ host }) => !host.up)
        for (const node of some(dice, down, countOf(amount, down.length))) this.#town.restart(node)
        return
      }
      case 'replace':
        for (const node of some(dice, live, countOf(amount, live.length))) {
          this.#town.remove(node)
          this.#town.join()
        }
        return
      case 'join':
        for (let left = countOf(amount, live.length || 1_000_000); left > 0; left--) this.#town.join()
        return
      case 'rot':
        this.#rot(amount)
    }
  }

  begin(span: Span): void {
    const { net, dice, live } = this.#town
    const { network } = net.world
    if (span.kind === 'loss') network.setPacketLoss(span.share)
    else if (span.kind === 'one-way') this.#blockDials(span.share)
    else {
      // Disks that were full before stay so afterwards.
      const open = span.kind === 'full' ? live.filter((node) => !this.#town.roleOf(node).full) : live
      const struck = some(dice, open, Math.round(span.share * live.length))
      this.#struck.set(span, struck)
      if (span.kind === 'partition') this.#split()
      else for (const node of struck) this.#spoil(node, span)
    }
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

  #blockDials(share: number): void {
    const { dice, live, net } = this.#town
    for (const from of live)
      for (const to of live) if (from !== to && dice.float() < share) net.world.network.blockDials(from.host, to.host)
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
  #rot(amount: Moment['amount']): void {
    const { dice, live, rotten } = this.#town
    const copies = live.flatMap((node) => [...node.store.keys()].map((address) => ({ node, address })))
    for (const { node, address } of some(dice, copies, countOf(amount, copies.length))) {
      const path = pathOf(address)
      if (node.disk.fileAt(path) === undefined) continue
      node.disk.rot(path, dice)
      const own = rotten.get(node) ?? new Map<ChunkAddress, string>()
      rotten.set(node, own.set(address, path))
    }
  }
}

/** Where the store of a node keeps the chunk (storage.md 3). */
function pathOf(address: ChunkAddress): string {
  return `${SIMULATED_ROOT}/chunks/${address.slice(-2)}/${address}`
}
