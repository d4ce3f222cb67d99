/** What nodes received, by kind, read from their own metrics. */
import type { Registry } from '../../src/base/index.ts'

/** Kind to messages. */
export type MessageCounts = ReadonlyMap<string, number>

const RECEIVED = /^myrmex_network_received_messages_total\{topic="([^"]*)",outcome="([^"]*)"\} (\d+)$/
/** Questions that were answered: parts of the DHT topic, told for themselves. */
const HANDLED = /^myrmex_dht_handled_total\{kind="([^"]*)"\} (\d+)$/
const DETAIL = 'of these '

export function countMessages(nodes: Iterable<{ readonly registry: Registry }>): MessageCounts {
  const counts = new Map<string, number>()
  const add = (kind: string, count: number) => counts.set(kind, (counts.get(kind) ?? 0) + count)
  for (const { registry } of nodes) {
    for (const line of registry.render().split('\n')) {
      const received = RECEIVED.exec(line)
      if (received) add(`${received[1]} ${received[2]}`, Number(received[3]))
      const handled = HANDLED.exec(line)
      if (handled) add(`${DETAIL}${handled[1]} questions`, Number(handled[2]))
    }
  }
  return counts
}

/** Of all messages, each once. */
export function totalOf(counts: MessageCounts): number {
  let total = 0
  for (const [kind, count] of counts) if (!kind.startsWith(DETAIL)) total += count
  return total
}

export function plus(a: MessageCounts, b: MessageCounts): MessageCounts {
  const sum = new Map(a)
  for (const [kind, count] of b) sum.set(kind, (sum.get(kind) ?? 0) + count)
  return sum
}

export function minus(a: MessageCounts, b: MessageCounts): MessageCounts {
  return new Map([...a].map(([kind, count]) => [kind, count - (b.get(kind) ?? 0)]))
}
