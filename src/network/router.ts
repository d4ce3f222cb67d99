/** From a verified message to the one handler of its topic. Handlers run bounded in number and time and never throw out. */
import {
  assert,
  type Clock,
  DeadlineExceeded,
  type Logger,
  messageOf,
  type TaskGroup,
  type Timer,
} from '../base/index.ts'
import { type MessageData, type PeerId, REQUEST_PREFIX, requestTopic } from '../protocol/index.ts'
import type { Link } from './link.ts'
import type { ReceiveOutcome } from './metrics.ts'
import type {
  MessageContext,
  MessageHandler,
  RequestContext,
  RequestHandler,
  RouteLimits,
  SendOptions,
} from './network.ts'
import type { NetworkOptions } from './options.ts'

export interface RouterDeps {
  readonly clock: Clock
  readonly log: Logger
  readonly tasks: TaskGroup
  count(topic: string, outcome: ReceiveOutcome): void
}

type RouterOptions = Pick<
  NetworkOptions,
  'maxRunningHandlers' | 'maxRunningHandlersPerPeer' | 'handlerBudgetMs' | 'maxHandlerBudgetMs'
>

interface Route<Handler> extends RouteLimits {
  readonly handler: Handler
}

/** One running handler. Most end without a look at their signal: it is made when somebody looks. */
class Run implements MessageContext {
  readonly from: Link
  readonly #topic: string
  readonly #clock: Clock
  readonly #maxMs: number
  readonly #since: number
  #timer: Timer | undefined
  #budgetMs = 0
  #ended = false
  #controller: AbortController | undefined
  #reason: { readonly why: unknown } | undefined

  constructor(from: Link, { topic, clock, maxMs }: { topic: string; clock: Clock; maxMs: number }) {
    this.from = from
    this.#topic = topic
    this.#clock = clock
    this.#maxMs = maxMs
    this.#since = clock.monotonic()
  }

  get budgetMs(): number {
    return this.#budgetMs
  }

  set budgetMs(wanted: number) {
    const ms = Math.min(wanted, this.#maxMs)
    this.#timer?.cancel()
    this.#budgetMs = ms
    if (this.#ended) return
    const leftMs = Math.max(0, this.#since + ms - this.#clock.monotonic())
    this.#timer = this.#clock.timer(leftMs, () => this.abort(new DeadlineExceeded(ms, `handling ${this.#topic}`)))
  }

  end(): void {
    this.#ended = true
    this.#timer?.cancel()
  }

  get signal(): AbortSignal {
    this.#controller ??= new AbortController()
    if (this.#reason) this.#controller.abort(this.#reason.why)
    return this.#controller.signal
  }

  abort(why: unknown): void {
    this.#reason ??= { why }
    this.#controller?.abort(why)
  }
}

export class Router {
  readonly #deps: RouterDeps
  readonly #options: RouterOptions
  readonly #messages = new Map<string, Route<MessageHandler>>()
  readonly #requests = new Map<string, Route<RequestHandler>>()
  readonly #byPeer = new Map<PeerId, number>()
  readonly #runs = new Set<Run>()

  constructor(deps: RouterDeps, options: RouterOptions) {
    this.#deps = deps
    this.#options = options
    const { signal } = deps.tasks
    const stopped = () => {
      for (const run of this.#runs) run.abort(signal.reason)
    }
    signal.addEventListener('abort', stopped, { once: true })
  }

  get running(): number {
    return this.#runs.size
  }

  handle(topic: string, limits: RouteLimits, handler: MessageHandler): () => void {
    assert(!topic.startsWith(REQUEST_PREFIX), `${topic} carries requests: use handleRequests`)
    return register(this.#messages, topic, { ...limits, handler })
  }

  /** `protocol` without the prefix of its topic. */
  handleRequests(protocol: string, limits: RouteLimits, handler: RequestHandler): () => void {
    return register(this.#requests, requestTopic(protocol), { ...limits, handler })
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
    if (route) this.#run(topic, from, route.budgetMs, async (context) => route.handler(data, context))
  }

  /** `reply` is called with what the handler answers, if it does; sending it counts to the handler's budget. */
  request(
    topic: string,
    data: Uint8Array,
    from: Link,
    reply: (answer: MessageData, options: SendOptions) => Promise<void>,
  ): void {
    const route = this.#requests.get(topic)
    const refusal = this.refusal(topic, data.length)
    if (!route || refusal !== undefined) {
      this.#deps.count(topic, refusal ?? 'unknownTopic')
      return
    }
    this.#run(topic, from, route.budgetMs, async (context) => {
      const { promise: answered, resolve: done } = Promise.withResolvers<void>()
      try {
        const request: RequestContext = {
          ...{ from: context.from, answered, lane: 'control' },
          get signal() {
            return context.signal
          },
          get budgetMs() {
            return context.budgetMs
          },
          set budgetMs(ms) {
            context.budgetMs = ms
          },
        }
        const answer = await route.handler(data, request)
        if (answer !== undefined) await reply(answer, { signal: context.signal, lane: request.lane })
      } finally {
        done()
      }
    })
  }

  #run(topic: string, from: Link, budgetMs: number | undefined, work: (context: Run) => Promise<void>): void {
    const { clock, tasks, count } = this.#deps
    const { handlerBudgetMs, maxHandlerBudgetMs } = this.#options
    const run = new Run(from, { topic, clock, maxMs: maxHandlerBudgetMs })
    const leave = this.#enter(run)
    if (leave === undefined) {
      count(topic, 'busy')
      return
    }
    count(topic, 'delivered')
    tasks.spawn(topic, async (signal) => {
      run.budgetMs = budgetMs ?? handlerBudgetMs
      try {
        await work(run)
      } catch (error) {
        if (!signal.aborted) this.#failed(topic, from, error)
      } finally {
        run.end()
        leave()
      }
    })
  }

  /** A place among the running handlers, to be given back; undefined when all are taken, or the peer's share is. */
  #enter(run: Run): (() => void) | undefined {
    const { peer } = run.from
    const { maxRunningHandlers, maxRunningHandlersPerPeer } = this.#options
    const own = this.#byPeer.get(peer) ?? 0
    if (this.#runs.size >= maxRunningHandlers || own >= maxRunningHandlersPerPeer) return undefined
    this.#runs.add(run)
    this.#byPeer.set(peer, own + 1)
    return () => {
      this.#runs.delete(run)
      const left = (this.#byPeer.get(peer) ?? 1) - 1
      if (left > 0) this.#byPeer.set(peer, left)
      else this.#byPeer.delete(peer)
    }
  }

  #failed(topic: string, from: Link, error: unknown): void {
    this.#deps.count(topic, 'handlerFailed')
    // Whoever lets us wait decides how often that happens.
    const level = error instanceof DeadlineExceeded ? 'debug' : 'warn'
    this.#deps.log[level]('a handler failed', { topic, peer: from.peer.slice(0, 16), error: messageOf(error) })
  }
}

function register<Handler>(routes: Map<string, Route<Handler>>, topic: string, route: Route<Handler>): () => void {
  assert(!routes.has(topic), `${topic} has a handler already`)
  routes.set(topic, route)
  return () => {
    if (routes.get(topic) === route) routes.delete(topic)
  }
}
