/**
 * What went over the wire for replication, by kind of message and, for chunks served, by peer (replication.md 26):
 * counters, and every five minutes one line in the log. Stands around the network; nobody else counts messages.
 */
import { type Clock, type Counter, type Logger, LruMap, type Registry } from '../base/index.ts'
import type { Network, PreparedMessage } from '../network/index.ts'
import {
  lengthOf,
  type MessageData,
  type PeerId,
  partsOf,
  type ReplicationBody,
  replicationKindOf,
  short,
} from '../protocol/index.ts'

export type EngineNetwork = Pick<
  Network,
  'self' | 'handle' | 'handleRequests' | 'request' | 'send' | 'prepare' | 'sendPrepared'
>
type Kind = ReplicationBody['kind'] | 'unknown'
type Way = 'tx' | 'rx'

interface Row {
  tx: number
  txBytes: number
  rx: number
  rxBytes: number
}

/** Peers of which is remembered what they were served between two lines, and those that are named in one. */
const SERVED_PEERS = 1024
const SERVED_NAMED = 8

export class Ledger {
  readonly #messages: Counter
  readonly #bytes: Counter
  readonly #rows = new Map<Kind, Row>()
  readonly #served: LruMap<PeerId, number>
  readonly #prepared = new WeakMap<PreparedMessage, { kind: Kind; bytes: number }>()

  constructor(registry: Registry) {
    this.#messages = registry.counter(
      'myrmex_replication_messages_total',
      'Messages of replication by kind and way, tx or rx',
    )
    this.#bytes = registry.counter('myrmex_replication_message_bytes_total', 'Their bytes')
    this.#served = new LruMap(SERVED_PEERS)
  }

  /** The network, with everything counted that passes. */
  around(network: EngineNetwork): EngineNetwork {
    return {
      self: network.self,
      handle: (topic, options, handler) =>
        network.handle(topic, options, (data, context) => {
          this.#count('rx', data)
          return handler(data, context)
        }),
      handleRequests: (topic, options, handler) =>
        network.handleRequests(topic, options, async (data, context) => {
          const kind = this.#count('rx', data)
          const answer = await handler(data, context)
          if (answer) this.#count('tx', answer)
          if (answer && kind === 'fetchRequest') this.#serve(context.from.peer, lengthOf(answer))
          return answer
        }),
      request: async (peer, protocol, data, options) => {
        this.#count('tx', data)
        const answer = await network.request(peer, protocol, data, options)
        this.#count('rx', answer)
        return answer
      },
      send: (peer, topic, data, options) => {
        this.#count('tx', data)
        return network.send(peer, topic, data, options)
      },
      prepare: (topic, data) => {
        const message = network.prepare(topic, data)
        this.#prepared.set(message, { kind: kindOf(data), bytes: lengthOf(data) })
        return message
      },
      sendPrepared: (peer, message, options) => {
        const { kind, bytes } = this.#prepared.get(message) ?? { kind: 'unknown', bytes: 0 }
        this.#add('tx', kind, bytes)
        return network.sendPrepared(peer, message, options)
      },
    }
  }

  /** One line each time; silence when nothing happened. */
  async run(deps: { clock: Clock; log: Logger; everyMs: number }, signal: AbortSignal): Promise<void> {
    for (;;) {
      await deps.clock.sleep(deps.everyMs, signal)
      const summary = this.take()
      if (Object.keys(summary.kinds).length > 0) deps.log.info('replication traffic', summary)
    }
  }

  /** Since the last call. */
  take(): {
    readonly kinds: Record<string, Row>
    readonly decode_error_rx_count: number
    served: Record<string, number>
  } {
    const kinds = Object.fromEntries(this.#rows)
    this.#rows.clear()
    const most = [...this.#served.entries()].sort((a, b) => b[1] - a[1]).slice(0, SERVED_NAMED)
    this.#served.clear()
    const served = Object.fromEntries(most.map(([peer, bytes]) => [short(peer), bytes]))
    return { kinds, decode_error_rx_count: kinds['unknown']?.rx ?? 0, served }
  }

  #count(way: Way, data: MessageData): Kind {
    const kind = kindOf(data)
    this.#add(way, kind, lengthOf(data))
    return kind
  }

  #add(way: Way, kind: Kind, bytes: number): void {
    this.#messages.add(1, { kind, way })
    this.#bytes.add(bytes, { kind, way })
    let row = this.#rows.get(kind)
    if (!row) this.#rows.set(kind, (row = { tx: 0, txBytes: 0, rx: 0, rxBytes: 0 }))
    row[way]++
    row[`${way}Bytes`] += bytes
  }

  #serve(peer: PeerId, bytes: number): void {
    this.#served.set(peer, (this.#served.get(peer) ?? 0) + bytes)
  }
}

/** By the head, which stands in the first part. */
function kindOf(data: MessageData): Kind {
  const [head] = partsOf(data)
  return (head && replicationKindOf(head)) ?? 'unknown'
}
