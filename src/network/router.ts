/** From a verified message to the one handler of its topic. Handlers run bounded in number and time and never throw out. */
import {
  assert,
  type Clock,
  DeadlineExceeded,
  type Logger,
  messageOf,
  type TaskGroup,
  withScope,
} from '../base/index.ts'
import { REQUEST_PREFIX, requestTopic } from '../protocol/index.ts'
import type { Link } from './link.ts'
import type { ReceiveOutcome } from './metrics.ts'
import type { MessageContext, MessageHandler, RequestHandler } from './network.ts'
import type { NetworkOptions } from './options.ts'

export interface RouterDeps {
  readonly clock: Clock
  readonly log: Logger
  readonly tasks: TaskGroup
  count(topic: string, outcome: ReceiveOutcome): void
}

type RouterOptions = Pick<NetworkOptions, 'maxRunningHandlers' | 'handlerBudgetMs'>

interface Route<Handler> {
  readonly maxBytes: number
  readonly handler: Handler
}

export class Router {
  readonly #deps: RouterDeps
  readonly #options: RouterOptions
  readonly #messages = new Map<string, Route<MessageHandler>>()
  readonly #requests = new Map<string, Route<RequestHandler>>()
  #running = 0

  constructor(deps: RouterDeps, options: RouterOptions) {
    this.#deps = deps
    this.#options = options
  }

  get running(): number {
    return this.#running
  }

  handle(topic: string, { maxBytes }: { maxBytes: number }, handler: MessageHandler): () => void {
    assert(!topic.startsWith(REQUEST_PREFIX), `${topic} carries requests: use handleRequests`)
    return register(this.#messages, topic, { maxBytes, handler })
  }

  /** `protocol` without the prefix of its topic. */
  handleRequests(protocol: string, { maxBytes }: { maxBytes: number }, handler: RequestHandler): () => void {
    return register(this.#requests, requestTopic(protocol), { maxBytes, handler })
  }

  knows(topic: string): boolean {
    return this.#messages.has(topic) || this.#requests.has(topic)
  }

  /** Why a message of this size is not even looked at; undefined when it may be delivered. */
  refusal(topic: string, bytes: number): 'unknownTopic' | 'tooLarge' | undefined {
    const route = this.#messages.get(topic) ?? this.#requests.get(topic)
    if (route === undefined) return 'unknownTopic'
    return bytes > route.maxBytes ? 'tooLarge' : undefined
  }

  message(topic: string, data: Uint8Array, from: Link): void {
    const route = this.#messages.get(topic)
    if (route) this.#run(topic, from, async (context) => route.handler(data, context))
  }

  /** `reply` is called with what the handler answers, if it does. */
  request(topic: string, data: Uint8Array, from: Link, reply: (answer: Uint8Array) => Promise<void>): void {
    const route = this.#requests.get(topic)
    const refusal = this.refusal(topic, data.length)
    if (!route || refusal !== undefined) {
      this.#deps.count(topic, refusal ?? 'unknownTopic')
      return
    }
    this.#run(topic, from, async (context) => {
      const answer = await route.handler(data, context)
      if (answer !== undefined) await reply(answer)
    })
  }

  #run(topic: string, from: Link, work: (context: MessageContext) => Promise<void>): void {
    const { clock, tasks, count } = this.#deps
    const { maxRunningHandlers, handlerBudgetMs } = this.#options
    if (this.#running >= maxRunningHandlers) {
      count(topic, 'busy')
      return
    }
    this.#running++
    count(topic, 'delivered')
    tasks.spawn(topic, async (signal) => {
      try {
        await withScope(signal, async (controller) => {
          const over = () => controller.abort(new DeadlineExceeded(handlerBudgetMs, `handling ${topic}`))
          const timer = clock.timer(handlerBudgetMs, over)
          try {
            await work({ from, signal: controller.signal })
          } finally {
            timer.cancel()
          }
        })
      } catch (error) {
        if (!signal.aborted) this.#failed(topic, from, error)
      } finally {
        this.#running--
      }
    })
  }

  #failed(topic: string, from: Link, error: unknown): void {
    this.#deps.count(topic, 'handlerFailed')
    this.#deps.log.warn('a handler failed', { topic, peer: from.peer.slice(0, 16), error: messageOf(error) })
  }
}

function register<Handler>(routes: Map<string, Route<Handler>>, topic: string, route: Route<Handler>): () => void {
  assert(!routes.has(topic), `${topic} has a handler already`)
  routes.set(topic, route)
  return () => {
    if (routes.get(topic) === route) routes.delete(topic)
  }
}
