/** How late the event loop is, for /metrics: with a sampling timer, so only while somebody may ask. */
import { monitorEventLoopDelay } from 'node:perf_hooks'
import type { Registry, Startable } from '../base/index.ts'

type IntervalHistogram = ReturnType<typeof monitorEventLoopDelay>

/** Fifty wake-ups a second cost 0.1 % of a core; a shorter interval finds no later moments, only more of them. */
const INTERVAL_MS = 20

/** Gauges over the time since they were last read together: the last one starts the next span. */
export class LoopDelay implements Startable {
  #histogram: IntervalHistogram | undefined

  constructor(registry: Registry) {
    const name = (figure: string) => `myrmex_node_loop_delay_${figure}_seconds`
    const help = (figure: string) => `Event loop delay since the last scrape, ${figure}`
    registry.gauge(name('p50'), help('median'), () => this.#seconds((histogram) => histogram.percentile(50)))
    registry.gauge(name('p99'), help('99th percentile'), () => this.#seconds((histogram) => histogram.percentile(99)))
    registry.gauge(name('max'), help('largest'), () => {
      const largest = this.#seconds((histogram) => histogram.max)
      this.#histogram?.reset()
      return largest
    })
  }

  async start(): Promise<void> {
    if (this.#histogram) return
    this.#histogram = monitorEventLoopDelay({ resolution: INTERVAL_MS })
    this.#histogram.enable()
  }

  async stop(): Promise<void> {
    this.#histogram?.disable()
    this.#histogram = undefined
  }

  /** What the histogram holds are intervals of its timer: what is above the asked one is delay. */
  #seconds(read: (histogram: IntervalHistogram) => number): number {
    const histogram = this.#histogram
    if (!histogram || histogram.count === 0) return 0
    return Math.max(0, read(histogram) / 1e6 - INTERVAL_MS) / 1000
  }
}
