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

interface Slot {
  readonly labels: Labels
  readonly names: number
  value: number
}

class Series {
  /** Few, and their texts are constants of the program: comparing them takes less than building a key would. */
  readonly #slots: Slot[] = []

  add(labels: Labels = NO_LABELS, amount: number): void {
    this.#slot(labels).value += amount
  }
  set(labels: Labels = NO_LABELS, value: number): void {
    this.#slot(labels).value = value
  }
  get(labels: Labels = NO_LABELS): number {
    return this.#find(labels, nameCount(labels))?.value ?? 0
  }
  render(name: string, extra: Labels = {}): string[] {
    return this.#slots.map(({ labels, value }) => {
      const pairs = Object.entries({ ...labels, ...extra }).map(([key, text]) => `${key}="${text}"`)
      return pairs.length === 0 ? `${name} ${value}` : `${name}{${pairs.join(',')}} ${value}`
    })
  }
  #slot(labels: Labels): Slot {
    const names = nameCount(labels)
    let slot = this.#find(labels, names)
    if (slot === undefined) {
      assert(this.#slots.length < MAX_SERIES, 'a metric label takes too many values')
      this.#slots.push((slot = { labels, names, value: 0 }))
    }
    return slot
  }
  #find(labels: Labels, names: number): Slot | undefined {
    for (let i = 0; i < this.#slots.length; i++) {
      const slot = this.#slots[i] as Slot
      if (slot.names === names && agree(slot.labels, labels)) return slot
    }
    return undefined
  }
}

function nameCount(labels: Labels): number {
  let count = 0
  for (const _ in labels) count++
  return count
}

function agree(known: Labels, labels: Labels): boolean {
  for (const name in labels) if (known[name] !== labels[name]) return false
  return true
}
