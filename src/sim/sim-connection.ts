/**
 * One end of a simulated path. Each message travels for itself, as QUIC streams do: line, latency, loss as
 * delay. When no packets pass, messages wait in the connection until the path is back or the idle timers end it
 * (RFC 9000, 10.1; keep-alive periods of wire.md 7.4).
 */
import { KiB, randomBetween } from '../base/index.ts'
import { formatSocketAddress, type SocketAddress } from '../protocol/index.ts'
import {
  type CloseReason,
  type Connection,
  type ConnectionStats,
  Inbox,
  type SendOptions,
  TransportError,
} from '../transport/index.ts'
import { SimBuffer } from './sim-buffer.ts'
import { traceName } from './trace.ts'
import type { Listener, Path } from './wires.ts'

/** Bytes of headers and of a stream's share of packets that go with a message. */
export const OVERHEAD_BYTES = 60

interface Parcel {
  readonly message: Uint8Array
  readonly delivered: () => void
  readonly failed: (error: unknown) => void
  timer: { cancel(): void } | undefined
  leavesAt: number
  arrivesAt: number
}

export class SimConnection implements Connection {
  readonly side: 'dialler' | 'acceptor'
  readonly remote: SocketAddress
  readonly remoteKey: Uint8Array
  readonly closed: Promise<CloseReason>
  readonly observedAddress: SocketAddress
  readonly owner: Listener
  readonly #inbox = new Inbox()
  readonly #pair: Path
  readonly #settleClosed: (reason: CloseReason) => void
  /** On their way to the other end. */
  readonly #parcels = new Set<Parcel>()
  /** For the trace. */
  readonly #path: string
  readonly #pathName: number
  #peer!: SimConnection
  #openAt = 0
  #over = false
  #reason: CloseReason | undefined
  #idle: { cancel(): void } | undefined
  #pingAt = 0
  #heardAt: number
  /** Bytes of all parcels. */
  #waitingBytes = 0
  #sent = 0
  #received = 0
  /** When the answer to our ping is due. */
  #answerAt: number | undefined
  #onObservedAddress: (address: SocketAddress) => void = () => undefined

  constructor(
    pair: Path,
    side: 'dialler' | 'acceptor',
    owner: Listener,
    names: { remote: SocketAddress; key: Uint8Array; seenAs: SocketAddress },
  ) {
    this.#pair = pair
    this.side = side
    this.owner = owner
    this.remote = names.remote
    this.remoteKey = names.key
    this.observedAddress = names.seenAs
    this.#path = `${formatSocketAddress(names.remote)}>${owner.machine.ip}`
    this.#pathName = traceName(this.#path)
    this.#heardAt = pair.wires.clock.monotonic()
    const { promise, resolve } = Promise.withResolvers<CloseReason>()
    this.closed = promise
    this.#settleClosed = resolve
    owner.adopt(this)
  }

  /** `openAt`: when the other end knows of the connection; nothing reaches it before. */
  meet(peer: SimConnection, openAt: number): void {
    this.#peer = peer
    this.#openAt = openAt
  }

  /** Both ends are over: what still holds this one is not to hold the process at the other end. */
  part(): void {
    this.#peer = this
    this.#inbox.close()
  }

  get over(): boolean {
    return this.#over
  }

  get onMessage(): (message: Uint8Array) => void {
    return this.#inbox.handler
  }
  set onMessage(handler: (message: Uint8Array) => void) {
    this.#inbox.handler = handler
  }

  get onObservedAddress(): (address: SocketAddress) => void {
    return this.#onObservedAddress
  }
  set onObservedAddress(handler: (address: SocketAddress) => void) {
    this.#onObservedAddress = handler
    handler(this.observedAddress)
  }

  async send(message: Uint8Array, options: SendOptions): Promise<void> {
    options.signal.throwIfAborted()
    if (this.#over) throw this.#closedError()
    const { maxMessageBytes, sendQueueBytes } = this.owner.limits
    const what = `sending a message of ${message.length} bytes`
    if (message.length > maxMessageBytes) {
      throw new TransportError('TRANSPORT_MESSAGE_TOO_LARGE', `${what}: the limit is ${maxMessageBytes}`)
    }
    const waiting = this.#waitingBytes
    if (waiting + message.length > sendQueueBytes) {
      throw new TransportError('TRANSPORT_SEND_FAILED', `${what}: ${waiting} of ${sendQueueBytes} bytes wait already`)
    }
    if (message.length > 0) await this.#post(lasting(message), options)
  }

  /** Resolves when the bytes have left, or, acknowledged, half a round trip after they arrived. */
  #post(message: Uint8Array, options: SendOptions): Promise<void> | undefined {
    const { wires } = this.#pair
    const now = wires.clock.monotonic()
    const left = this.owner.machine.upLine.reserve(now, message.length + OVERHEAD_BYTES)
    this.#waitingBytes += message.length
    this.#sent += message.length
    if (!options.acknowledged && this.#pair.passes && left - now < Math.max(1, wires.options.quantumMs)) {
      // It has left: what becomes of it is nobody's business.
      const parcel = { message, delivered: nothing, failed: nothing, timer: undefined, leavesAt: left, arrivesAt: left }
      this.#parcels.add(parcel)
      this.#travel(parcel, left)
      return undefined
    }
    return this.#watched(message, left, options)
  }

  #watched(message: Uint8Array, left: number, { signal, acknowledged }: SendOptions): Promise<void> {
    return new Promise((resolve, reject) => {
      const { wires } = this.#pair
      const now = wires.clock.monotonic()
      const timers: { cancel(): void }[] = []
      const finish = (settle: () => void) => {
        for (const timer of timers) timer.cancel()
        signal.removeEventListener('abort', onAbort)
        settle()
      }
      const drop = (error: unknown) => {
        parcel.timer?.cancel()
        this.#forget(parcel)
        finish(() => reject(error))
      }
      const onAbort = () => drop(signal.reason)
      const parcel: Parcel = {
        message,
        delivered: () => {
          if (!acknowledged) return
          const back = wires.travelMs(this.#peer.owner.machine, this.owner.machine, OVERHEAD_BYTES)
          timers.push(wires.at(wires.clock.monotonic() + back, () => finish(resolve)))
        },
        failed: (error) => finish(() => reject(error)),
        timer: undefined,
        leavesAt: Infinity,
        arrivesAt: Infinity,
      }
      this.#parcels.add(parcel)
      signal.addEventListener('abort', onAbort, { once: true })
      if (this.#pair.passes) this.#travel(parcel, left)
      else this.#speakIntoSilence(now)
      if (acknowledged) return
      if (this.#pair.passes || this.#waitingBytes <= wires.options.windowBytes) {
        if (left - now < Math.max(1, wires.options.quantumMs)) finish(resolve)
        else timers.push(wires.at(left, () => finish(resolve)))
      } else {
        const stalled = new TransportError('TRANSPORT_SEND_STALLED', `no progress for ${wires.options.stallMs} ms`)
        timers.push(wires.clock.timer(wires.options.stallMs, () => drop(stalled)))
      }
    })
  }

  #travel(parcel: Parcel, leavesAt: number): void {
    const { wires } = this.#pair
    const [from, to] = [this.owner.machine, this.#peer.owner.machine]
    const bytes = parcel.message.length + OVERHEAD_BYTES
    const reached = Math.max(this.#openAt, leavesAt + wires.travelMs(from, to, bytes))
    const duration = to.downLine.durationMs(bytes)
    parcel.leavesAt = leavesAt
    parcel.arrivesAt = reached + duration
    let queued = false
    const arrive = () => {
      // The silence began while it was on its way: it is sent again when the path is back.
      if (!wires.passes(from, to)) return
      // The line is taken on arrival: what was sent earlier from afar is not before what is here already.
      const now = wires.clock.monotonic()
      const through = queued ? now : to.downLine.reserve(now - duration, bytes)
      queued = true
      if (through - now < Math.max(1, wires.options.quantumMs)) return this.#arrived(parcel)
      parcel.arrivesAt = through
      parcel.timer = wires.at(through, arrive)
    }
    parcel.timer = wires.at(parcel.arrivesAt, arrive)
  }

  #arrived(parcel: Parcel): void {
    this.#forget(parcel)
    const limit = this.#peer.owner.limits.maxMessageBytes
    if (parcel.message.length > limit) {
      const what = `sending ${parcel.message.length} bytes: the peer stopped the stream, code 0`
      parcel.failed(new TransportError('TRANSPORT_SEND_FAILED', what, { data: { code: 0 } }))
    } else {
      this.#peer.#deliver(parcel.message)
      parcel.delivered()
    }
  }

  #forget(parcel: Parcel): void {
    if (this.#parcels.delete(parcel)) this.#waitingBytes -= parcel.message.length
  }

  #deliver(message: Uint8Array): void {
    if (this.#over || !this.owner.alive) return
    const { trace, clock } = this.#pair.wires
    this.#heardAt = clock.monotonic()
    this.#received += message.length
    trace.addMessage(clock.monotonic(), this.#path, this.#pathName, message.length)
    this.#inbox.deliver(message)
  }

  get rttMs(): number {
    return this.#pair.rttMs
  }

  setReceiveWindow(_bytes: number): void {}

  /** Costs no event: whether the answer came is found out when somebody looks. */
  ping(): void {
    const { wires } = this.#pair
    if (this.#over || this.#answerAt !== undefined || !this.#pair.passes) return
    this.#answerAt = wires.clock.monotonic() + this.#pair.rttMs
  }

  stats(): ConnectionStats {
    const { rttMs } = this
    if (this.#answerAt !== undefined && this.#answerAt <= this.#pair.wires.clock.monotonic()) {
      if (this.#pair.passedAt(this.#answerAt)) this.#received += OVERHEAD_BYTES
      this.#answerAt = undefined
    }
    return { rttMs, sentBytes: this.#sent, receivedBytes: this.#received, lostPackets: 0 }
  }

  async close(code: number, reason: string): Promise<void> {
    if (this.#over || !this.owner.alive) return
    const { wires } = this.#pair
    const now = wires.clock.monotonic()
    const travel = wires.travelMs(this.owner.machine, this.#peer.owner.machine, OVERHEAD_BYTES)
    // It does not overtake what has left before it; what waits for the line is forgotten.
    const before: Parcel[] = []
    for (const parcel of this.#parcels) {
      if (parcel.leavesAt > now + 1) parcel.timer?.cancel()
      else before.push(parcel)
    }
    const passed = this.#pair.passes
    this.#end({ kind: 'local', code, reason })
    if (!passed) return
    const peer = this.#peer
    const arrive = (at: number): void => {
      // What is before it may have to wait for the line there.
      const after = before.reduce((latest, { arrivesAt }) => Math.max(latest, arrivesAt), at)
      if (after > wires.clock.monotonic()) return void wires.at(after, () => arrive(after))
      if (wires.passes(this.owner.machine, peer.owner.machine)) peer.#end({ kind: 'peer', code, reason })
    }
    arrive(Math.max(this.#openAt, now + travel))
    // When the closing packet is lost to a partition, only silence tells the other end.
    this.#pair.pathChanged()
  }

  /** Its process is gone: nothing more is told to anybody. */
  vanish(): void {
    if (this.#over) return
    this.#over = true
    this.#idle?.cancel()
    this.owner.release(this)
    this.#pair.ended()
  }

  /** No packet comes any more: plans the end by the idle timer. */
  silent(): void {
    if (this.#over) return
    const { wires } = this.#pair
    const { options, clock } = wires
    const now = clock.monotonic()
    const keepAlive = this.side === 'dialler' ? options.diallerKeepAliveMs : options.acceptorKeepAliveMs
    const lastPing = now - randomBetween(wires.random, 0, options.diallerKeepAliveMs)
    this.#pingAt = Math.max(this.#heardAt, lastPing) + keepAlive
    this.#planIdleEnd(this.#pingAt)
  }

  /** The first packet sent after the last one heard restarts the idle timer, a ping or ours. */
  #speakIntoSilence(now: number): void {
    if (now >= this.#pingAt) return
    this.#pingAt = now
    this.#planIdleEnd(now)
  }

  #planIdleEnd(spokeAt: number): void {
    const { wires } = this.#pair
    this.#idle?.cancel()
    this.#idle = wires.at(Math.max(wires.clock.monotonic(), spokeAt + wires.options.idleTimeoutMs), () =>
      this.#end({ kind: 'timeout', code: 0, reason: 'idle timeout' }),
    )
  }

  /** Packets pass again: what waited is sent once more. */
  soundAgain(): void {
    if (this.#over) return
    this.#idle?.cancel()
    const { wires } = this.#pair
    const again = wires.clock.monotonic() + wires.rttMs(this.owner.machine, this.#peer.owner.machine)
    for (const parcel of this.#parcels) {
      parcel.timer?.cancel()
      this.#travel(parcel, again)
    }
  }

  #end(reason: CloseReason): void {
    if (this.#over || !this.owner.alive) return
    this.#over = true
    this.#reason = reason
    this.#idle?.cancel()
    const { clock, trace } = this.#pair.wires
    trace.add(`${clock.monotonic()} close ${this.owner.machine.ip}>${formatSocketAddress(this.remote)} ${reason.kind}`)
    for (const parcel of this.#parcels) {
      // What has left before our own close may still arrive.
      if (reason.kind !== 'local') parcel.timer?.cancel()
      parcel.failed(this.#closedError())
    }
    this.#inbox.close()
    this.owner.release(this)
    this.#settleClosed(reason)
    this.#pair.ended()
  }

  #closedError(): TransportError {
    const { kind, code, reason } = this.#reason ?? { kind: 'reset', code: 0, reason: 'the process is gone' }
    const why = `${kind}, code ${code}, ${JSON.stringify(reason)}`
    return new TransportError('TRANSPORT_CLOSED', `the connection is closed (${why})`)
  }
}

function nothing(): void {}

/** Below this nobody gives memory back by hand (`release`). */
const LENT_BYTES = 64 * KiB

/** Memory that this world made is handed over as it is, nobody writes into it again; of all other a copy is made. */
function lasting(message: Uint8Array): Uint8Array {
  const { buffer } = message
  if (!(buffer instanceof SimBuffer)) return message.slice()
  if (buffer.byteLength < LENT_BYTES) return message
  const copy = new SimBuffer(message.length)
  copy.signed.push(...buffer.signed)
  const bytes = new Uint8Array(copy)
  bytes.set(message)
  return bytes
}
