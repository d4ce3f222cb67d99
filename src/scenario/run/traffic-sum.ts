/** What all nodes sent together, those that are gone included: their counters of the same name are one. */
import { type Counter, type Labels, Registry } from '../../base/index.ts'
import { TOPIC_CHUNK, TOPIC_DHT, TOPIC_DHT_ADDRESS } from '../../protocol/index.ts'
import type { Traffic } from '../samples.ts'

const MESSAGES = 'myrmex_network_sent_messages_total'
const BYTES = 'myrmex_network_sent_bytes_total'
const CHUNK_BYTES = 'myrmex_replication_sent_bytes_total'
const SUMMED = [MESSAGES, BYTES, CHUNK_BYTES]

/** One label decides: the topic, or what chunk bytes were sent by. */
class Sum implements Counter {
  readonly byLabel = new Map<string, number>()

  add(amount = 1, labels: Labels = {}): void {
    const label = labels['topic'] ?? labels['by'] ?? ''
    this.byLabel.set(label, this.value(labels) + amount)
  }
  value(labels: Labels = {}): number {
    return this.byLabel.get(labels['topic'] ?? labels['by'] ?? '') ?? 0
  }
}

class SummingRegistry extends Registry {
  readonly #sums: ReadonlyMap<string, Sum>

  constructor(sums: ReadonlyMap<string, Sum>) {
    super()
    this.#sums = sums
  }

  override counter(name: string, help: string): Counter {
    return this.#sums.get(name) ?? super.counter(name, help)
  }
}

export class TrafficSum {
  readonly #sums = new Map(SUMMED.map((name) => [name, new Sum()]))

  /** For one boot of one node. */
  readonly registry = (): Registry => new SummingRegistry(this.#sums)

  read(): Traffic {
    const bytes = this.#of(BYTES).byLabel
    const of = (...topics: string[]) => topics.reduce((sum, topic) => sum + (bytes.get(topic) ?? 0), 0)
    const all = of(...bytes.keys())
    const [dhtBytes, clientBytes] = [of(TOPIC_DHT, TOPIC_DHT_ADDRESS), of(TOPIC_CHUNK)]
    const repairBytes = this.#of(CHUNK_BYTES).value({ by: 'fetch' })
    const freshBytes = this.#of(CHUNK_BYTES).value({ by: 'offer' })
    const messages = [...this.#of(MESSAGES).byLabel.values()].reduce((sum, count) => sum + count, 0)
    const talkBytes = all - dhtBytes - clientBytes - repairBytes - freshBytes
    // A message that is on its way is counted when it has left, its chunk when it was read.
    return { repairBytes, freshBytes, talkBytes: Math.max(0, talkBytes), dhtBytes, clientBytes, messages }
  }

  #of(name: string): Sum {
    return this.#sums.get(name) as Sum
  }
}
