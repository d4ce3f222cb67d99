/** From a verified message to the one handler of its topic. Handlers run bounded in number and time and never throw out. */
import { assert, type Clock, DeadlineExceeded, type Logger, messageOf, type TaskGroup } from '../base/index.ts'
import { type PeerId, REQUEST_PREFIX, requestTopic } from '../protocol/index.ts'
import type { Link } from './link.ts'
import type { ReceiveOutcome } from './metrics.ts'
import type { MessageContext, MessageHandler, RequestContext, RequestHandler, SendOptions } from './network.ts'
import type { NetworkOptions } from './options.ts'

export interface RouterDeps {
  readonly clock: Clock
  readonly log: Logger
  readonly tasks: TaskGroup
  count(topic: string, outcome: ReceiveOutcome): void
}

type RouterOptions = Pick<NetworkOptions, 'maxRunningHandlers' | 'maxRunningHandlersPerPeer' | 'handlerBudgetMs'>

interface Route<Handler> {
  readonly maxBytes: number
  readonly handler: Handler
}

export class Router {
  readonly #deps: RouterDeps
  readonly #options: RouterOptions
  readonly #messages = new Map<string, Route<MessageHandler>>()
  readonly #requests = new Map<string, Route<RequestHandler>>()
  readonly #byPeer = new Map<PeerId, number>()
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

  /** `reply` is called with what the handler answers, if it does; sending it counts to the handler's budget. */
  request(
    topic: string,
    data: Uint8Array,
    from: Link,
    reply: (answer: Uint8Array, options: SendOptions) => Promise<void>,
  ): void {
    const route = this.#requests.get(topic)
    const refusal = this.refusal(topic, data.length)
    if (!route || refusal !== undefined) {
      this.#deps.count(topic, refusal ?? 'unknownTopic')
      return
    }
    this.#run(topic, from, async (context) => {
      const { promise: answered, resolve: done } = Promise.withResolvers<void>()
      try {
        const request: RequestContext = { ...context, answered, lane: 'control' }
        const answer = await route.handler(data, request)
        if (answer !== undefined) await reply(answer, { signal: context.signal, lane: request.lane })
      } finally {
        done()
      }
    })
  }

  #run(topic: string, from: Link, work: (context: MessageContext) => Promise<void>): void {
    const { clock, tasks, count } = this.#deps
    const { handlerBudgetMs } = this.#options
    const leave = this.#enter(from.peer)
    if (leave === undefined) {
      count(topic, 'busy')
      return
    }
    count(topic, 'delivered')
    tasks.spawn(topic, async (signal) => {
      const controller = new AbortController()
      const follow = () => controller.abort(signal.reason)
      const over = () => controller.abort(new DeadlineExceeded(handlerBudgetMs, `handling ${topic}`))
      signal.addEventListener('abort', follow, { once: true })
      const timer = clock.timer(handlerBudgetMs, over)
      try {
        await work({ from, signal: controller.signal })
      } catch (error) {
        if (!signal.aborted) this.#failed(topic, from, error)
      } finally {
        timer.cancel()
        signal.removeEventListener('abort', follow)
        leave()
      }
    })
  }

  /** A place among the running handlers, to be given back; undefined when all are taken, or the peer's share is. */
  #enter(peer: PeerId): (() => void) | undefined {
    const { maxRunningHandlers, maxRunningHandlersPerPeer } = this.#options
    const own = this.#byPeer.get(peer) ?? 0
    if (this.#running >= maxRunningHandlers || own >= maxRunningHandlersPerPeer) return undefined
    this.#running++
    this.#byPeer.set(peer, own + 1)
    return () => {
      this.#running--
      const left = (this.#byPeer.get(peer) ?? 1) - 1
      if (left > 0) this.#byPeer.set(peer, left)
      else this.#byPeer.delete(peer)
    }
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
