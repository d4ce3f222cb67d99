/** Two joined ends over a simulated path: whether packets pass is the same for both. */
import { formatSocketAddress, type SocketAddress } from '../protocol/index.ts'
import { OVERHEAD_BYTES, SimConnection } from './sim-connection.ts'
import type { Listener, Machine, Path, Wires } from './wires.ts'

export class SimPair implements Path {
  readonly wires: Wires
  readonly rttMs: number
  readonly dialler: SimConnection
  readonly acceptor: SimConnection
  /** Since when no packet passes; undefined while they do. */
  #silentSince: number | undefined

  constructor(wires: Wires, from: Listener, to: Listener, fromAddress: SocketAddress, toAddress: SocketAddress) {
    this.wires = wires
    this.rttMs = wires.rttMs(from.machine, to.machine)
    const now = wires.clock.monotonic()
    const accepted = now + wires.travelMs(from.machine, to.machine, OVERHEAD_BYTES)
    this.dialler = new SimConnection(this, 'dialler', from, {
      remote: toAddress,
      key: to.publicKey,
      seenAs: fromAddress,
    })
    this.acceptor = new SimConnection(this, 'acceptor', to, {
      remote: fromAddress,
      key: from.publicKey,
      seenAs: toAddress,
    })
    this.dialler.meet(this.acceptor, accepted)
    this.acceptor.meet(this.dialler, now)
    wires.add(this)
    const name = `${formatSocketAddress(fromAddress)}>${formatSocketAddress(toAddress)}`
    wires.trace.add(`connect ${name} ${now}`)
    wires.at(accepted, () => {
      if (to.alive && !this.acceptor.over) to.onConnection(this.acceptor)
    })
  }

  get passes(): boolean {
    return this.#silentSince === undefined
  }

  passedAt(moment: number): boolean {
    return moment < (this.#silentSince ?? Infinity)
  }

  hostKilled(machine: Machine): void {
    for (const end of [this.dialler, this.acceptor]) if (end.owner.machine === machine) end.vanish()
  }

  /** Starts or ends the silence of both ends. */
  pathChanged(): void {
    const { dialler, acceptor, wires } = this
    const bothLive = !dialler.over && !acceptor.over
    const passes = bothLive && wires.passes(dialler.owner.machine, acceptor.owner.machine)
    if (passes === this.passes) return
    this.#silentSince = passes ? undefined : wires.clock.monotonic()
    for (const end of [dialler, acceptor]) {
      if (passes) end.soundAgain()
      else end.silent()
    }
  }

  ended(): void {
    if (!this.dialler.over || !this.acceptor.over) return
    this.wires.remove(this)
    this.dialler.part()
    this.acceptor.part()
  }
}
