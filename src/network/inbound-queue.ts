/**
 * Received messages that wait for verification: bounded in number and bytes, for all and for each connection; links
 * take turns, so a flood on one does not delay the others. Pure.
 */
import type { NetworkOptions } from './options.ts'

type QueueOptions = Pick<NetworkOptions, 'queueMessages' | 'queueBytes' | 'queueMessagesPerConnection'>

export class InboundQueue<L> {
  readonly #options: QueueOptions
  /** In turn order: a link that was served goes to the end. */
  readonly #waiting = new Map<L, Uint8Array[]>()
  #messages = 0
  #bytes = 0

  constructor(options: QueueOptions) {
    this.#options = options
  }

  get messages(): number {
    return this.#messages
  }
  get bytes(): number {
    return this.#bytes
  }

  /** false: full, the message is to be dropped. */
  push(link: L, message: Uint8Array): boolean {
    const { queueMessages, queueBytes, queueMessagesPerConnection } = this.#options
    const own = this.#waiting.get(link)
    if (this.#messages >= queueMessages || (own?.length ?? 0) >= queueMessagesPerConnection) return false
    if (this.#bytes + message.length > queueBytes) return false
    if (own) own.push(message)
    else this.#waiting.set(link, [message])
    this.#messages++
    this.#bytes += message.length
    return true
  }

  next(): { readonly link: L; readonly message: Uint8Array } | undefined {
    const first = this.#waiting.entries().next().value
    if (first === undefined) return undefined
    const [link, messages] = first
    const message = messages.shift() as Uint8Array
    this.#waiting.delete(link)
    if (messages.length > 0) this.#waiting.set(link, messages)
    this.#messages--
    this.#bytes -= message.length
    return { link, message }
  }

  /** Forgets what a link still had waiting. */
  forget(link: L): void {
    for (const message of this.#waiting.get(link) ?? []) {
      this.#messages--
      this.#bytes -= message.length
    }
    this.#waiting.delete(link)
  }
}
