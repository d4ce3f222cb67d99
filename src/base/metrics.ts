/** Counters, gauges and histograms; each room's `metrics.ts` registers its own. Prometheus text on request. */
import { assert } from './assert.ts'

export type Labels = Readonly<Record<string, string>>

export interface Counter {
  add(amount?: number, labels?: Labels): void
  value(labels?: Labels): number
}
export interface Gauge {
  set(value: number, labels?: Labels): void
}
export interface Histogram {
  observe(value: number, labels?: Labels): void
}

interface Family {
  readonly help: string
  readonly type: 'counter' | 'gauge' | 'histogram'
  render(name: string): string[]
}

const MAX_SERIES = 512
const NO_LABELS: Labels = Object.freeze({})

export class Registry {
  readonly #families = new Map<string, Family>()

  counter(name: string, help: string): Counter {
    const series = new Series()
    this.#register(name, { help, type: 'counter', render: (n) => series.render(n) })
    return { add: (amount = 1, labels) => series.add(labels, amount), value: (labels) => series.get(labels) }
  }

  gauge(name: string, help: string, read?: () => number): Gauge {
    const series = new Series()
    this.#register(name, { help, type: 'gauge', render: (n) => (read ? [`${n} ${read()}`] : series.render(n)) })
    return { set: (value, labels) => series.set(labels, value) }
  }

  histogram(name: string, help: string, buckets: readonly number[]): Histogram {
    const counts = new Map(buckets.map((bound) => [bound, new Series()]))
    const [total, sum] = [new Series(), new Series()]
    this.#register(name, {
      help,
      type: 'histogram',
      render: (n) => [
        ...[...counts].flatMap(([bound, series]) => series.render(`${n}_bucket`, { le: String(bound) })),
        ...total.render(`${n}_bucket`, { le: '+Inf' }),
        ...sum.render(`${n}_sum`),
        ...total.render(`${n}_count`),
      ],
    })
    return {
      observe: (value, labels) => {
        for (const [bound, series] of counts) series.add(labels, value <= bound ? 1 : 0)
        total.add(labels, 1)
        sum.add(labels, value)
      },
    }
  }

  /** Prometheus text exposition format 0.0.4. */
  render(): string {
    const lines: string[] = []
    for (const [name, family] of this.#families) {
      lines.push(`# HELP ${name} ${family.help}`, `# TYPE ${name} ${family.type}`, ...family.render(name))
    }
    return `${lines.join('\n')}\n`
  }

  #register(name: string, family: Family): void {
    assert(!this.#families.has(name), `metric ${name} is registered twice`)
    this.#families.set(name, family)
  }
}

class Series {
  readonly #values = new Map<string, { labels: Labels; value: number }>()

  add(labels: Labels = NO_LABELS, amount: number): void {
    this.#slot(labels).value += amount
  }
  set(labels: Labels = NO_LABELS, value: number): void {
    this.#slot(labels).value = value
  }
  get(labels: Labels = NO_LABELS): number {
    return this.#values.get(nameOf(labels))?.value ?? 0
  }
  render(name: string, extra: Labels = {}): string[] {
    return [...this.#values.values()].map(({ labels, value }) => {
      const pairs = Object.entries({ ...labels, ...extra }).map(([key, text]) => `${key}="${text}"`)
      return pairs.length === 0 ? `${name} ${value}` : `${name}{${pairs.join(',')}} ${value}`
    })
  }
  #slot(labels: Labels): { value: number } {
    const key = nameOf(labels)
    let slot = this.#values.get(key)
    if (!slot) {
      assert(this.#values.size < MAX_SERIES, 'a metric label takes too many values')
      this.#values.set(key, (slot = { labels, value: 0 }))
    }
    return slot
  }
}

/** Tells apart what JSON would, several times faster: every message counts a few of these. */
function nameOf(labels: Labels): string {
  let name = ''
  for (const key in labels) name += `${key}\0${labels[key]}\0`
  return name
}
