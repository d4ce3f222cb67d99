/**
 * What recently could not be dialled (dht.md 7). Pure: `now` comes in. (a) an address that failed rests 30 minutes;
 * (b) four relay ports that failed on one IP rest every relay dial to that IP. A fresh publication of the owner frees
 * its new addresses. Every map is bounded; the longest unused entry leaves.
 */
import { LruMap } from '../base/index.ts'
import { formatSocketAddress, normalizeIp, type PeerId, type SocketAddress } from '../protocol/index.ts'
import type { DialStep } from './dial-plan.ts'
import type { NetworkOptions } from './options.ts'

type MemoryOptions = Pick<
  NetworkOptions,
  'dialFailureMemoryMs' | 'relayPortsSuppressing' | 'publicationExemptionMs' | 'failureMemoryEntries'
>

export class DialMemory {
  readonly #options: MemoryOptions
  /** ip:port to when it may be dialled again. */
  readonly #failed: LruMap<string, number>
  /** IP to relay port to when that failure is forgotten. */
  readonly #relayPorts: LruMap<string, Map<number, number>>
  /** peer and ip:port to when the exemption ends. */
  readonly #exempt: LruMap<string, number>

  constructor(options: MemoryOptions) {
    this.#options = options
    this.#failed = new LruMap(options.failureMemoryEntries)
    this.#relayPorts = new LruMap(options.failureMemoryEntries)
    this.#exempt = new LruMap(options.failureMemoryEntries)
  }

  failed(step: DialStep, now: number): void {
    const until = now + this.#options.dialFailureMemoryMs
    this.#failed.set(keyOf(step.socket), until)
    if (!step.relay) return
    const ip = ipOf(step.socket)
    const ports = this.#relayPorts.get(ip) ?? new Map<number, number>()
    for (const [port, end] of ports) if (end <= now) ports.delete(port)
    // Ports above the limit change nothing, so they need no memory.
    if (ports.size < this.#options.relayPortsSuppressing || ports.has(step.socket.port))
      ports.set(step.socket.port, until)
    this.#relayPorts.set(ip, ports)
  }

  succeeded(socket: SocketAddress): void {
    this.#failed.delete(keyOf(socket))
    this.#relayPorts.delete(ipOf(socket))
  }

  /** An applied publication: `added` are the addresses that were not in the owner's previous set. */
  published(peer: PeerId, added: readonly SocketAddress[], now: number): void {
    for (const socket of added) {
      this.#failed.delete(keyOf(socket))
      this.#exempt.set(exemptionKey(peer, socket), now + this.#options.publicationExemptionMs)
    }
  }

  mayDial(peer: PeerId, step: DialStep, now: number): boolean {
    if ((this.#failed.get(keyOf(step.socket)) ?? 0) > now) return false
    if (!step.relay || (this.#exempt.get(exemptionKey(peer, step.socket)) ?? 0) > now) return true
    let failedPorts = 0
    for (const end of this.#relayPorts.get(ipOf(step.socket))?.values() ?? []) if (end > now) failedPorts++
    return failedPorts < this.#options.relayPortsSuppressing
  }
}

function ipOf({ ip }: SocketAddress): string {
  return normalizeIp(ip) ?? ip
}

function keyOf(socket: SocketAddress): string {
  return formatSocketAddress({ ip: ipOf(socket), port: socket.port })
}

function exemptionKey(peer: PeerId, socket: SocketAddress): string {
  return `${peer} ${keyOf(socket)}`
}
