/**
 * Messages on their way to `Connection.onMessage`. Those that come before the handler is set wait for it, few of them:
 * a caller that forgets to set it loses messages, not memory.
 */
import { MiB } from '../base/index.ts'

export const INBOX_MAX_MESSAGES = 64
export const INBOX_MAX_BYTES = 16 * MiB

type Handler = (message: Uint8Array) => void

const nobody: Handler = () => undefined

export class Inbox {
  #handler: Handler = nobody
  #waiting: Uint8Array[] = []
  #bytes = 0
  #dropped = 0
  #closed = false

  get handler(): Handler {
    return this.#handler
  }

  set handler(handler: Handler) {
    this.#handler = handler
    const waiting = this.#waiting
    this.#waiting = []
    this.#bytes = 0
    for (const message of waiting) this.#call(message)
  }

  /** Messages thrown away because nobody had set a handler. */
  get dropped(): number {
    return this.#dropped
  }

  deliver(message: Uint8Array): void {
    if (this.#closed) return
    if (this.#handler !== nobody) {
      this.#call(message)
    } else if (this.#waiting.length >= INBOX_MAX_MESSAGES || this.#bytes + message.length > INBOX_MAX_BYTES) {
      this.#dropped++
    } else {
      this.#waiting.push(message)
      this.#bytes += message.length
    }
  }

  /** Nothing is delivered any more, and what waits is forgotten. */
  close(): void {
    this.#closed = true
    this.#waiting = []
  }

  /** A handler that throws is a bug of ours: it surfaces as an uncaught error and spares the other messages. */
  #call(message: Uint8Array): void {
    try {
      this.#handler(message)
    } catch (error) {
      queueMicrotask(() => {
        throw error
      })
    }
  }
}
