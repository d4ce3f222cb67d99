/** Raw datagrams for tests of the socket: senders, and recordings of real flights. */
import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { never } from '../../src/base/index.ts'
import type { SocketAddress } from '../../src/protocol/index.ts'
import type { Transport } from '../../src/transport/index.ts'

export class DatagramSender implements AsyncDisposable {
  readonly #socket: Socket

  private constructor(socket: Socket) {
    this.#socket = socket
  }

  static async open(): Promise<DatagramSender> {
    return new DatagramSender(await loopbackSocket())
  }

  send(datagram: Uint8Array, to: SocketAddress): void {
    this.#socket.send(datagram, to.port, to.ip)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await new Promise<void>((resolve) => this.#socket.close(resolve))
  }
}

/** First flights of at least `count` datagrams, of dials that nobody answers. */
export async function captureInitials(dialler: Transport, count: number): Promise<Uint8Array[]> {
  const sink = await loopbackSocket()
  const seen: Uint8Array[] = []
  sink.on('message', (datagram) => {
    if ((datagram[0] as number) & 0x80) seen.push(new Uint8Array(datagram))
  })
  await dialler.start(never)
  while (seen.length < count) {
    const { length } = seen
    const controller = new AbortController()
    const options = { signal: controller.signal, timeoutMs: 60_000 }
    // Few at once, so that the sink's buffer holds their flights.
    const dials = Array.from({ length: 20 }, () => dialler.dial(addressOf(sink), options).catch(() => undefined))
    while (seen.length < length + dials.length) await once(sink, 'message')
    controller.abort(new Error('captured'))
    await Promise.all(dials)
  }
  await new Promise<void>((resolve) => sink.close(resolve))
  return seen
}

/**
 * A man in the middle: what the dialler sends to `address` goes on to `target` and is kept, and answers go back.
 * `inject` sends through the very socket that the target knows as its peer.
 */
export class Wiretap implements AsyncDisposable {
  readonly recorded: Uint8Array[] = []
  readonly #front: Socket
  readonly #back: Socket
  readonly #target: SocketAddress

  private constructor(front: Socket, back: Socket, target: SocketAddress, limit: number) {
    this.#front = front
    this.#back = back
    this.#target = target
    let dialler: SocketAddress | undefined
    front.on('message', (datagram, from) => {
      dialler = { ip: from.address, port: from.port }
      if (this.recorded.length < limit) this.recorded.push(new Uint8Array(datagram))
      back.send(datagram, target.port, target.ip)
    })
    back.on('message', (datagram) => {
      if (dialler) front.send(datagram, dialler.port, dialler.ip)
    })
  }

  static async open(target: SocketAddress, limit: number): Promise<Wiretap> {
    return new Wiretap(await loopbackSocket(), await loopbackSocket(), target, limit)
  }

  get address(): SocketAddress {
    return addressOf(this.#front)
  }

  inject(datagram: Uint8Array): void {
    this.#back.send(datagram, this.#target.port, this.#target.ip)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of [this.#front, this.#back]) await new Promise<void>((resolve) => socket.close(resolve))
  }
}

async function loopbackSocket(): Promise<Socket> {
  const socket = createSocket({ type: 'udp4', recvBufferSize: 1 << 20 })
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  // A full socket buffer loses a datagram, as the network does.
  socket.on('error', () => undefined)
  return socket
}

function addressOf(socket: Socket): SocketAddress {
  const { address, port } = socket.address()
  return { ip: address, port }
}
