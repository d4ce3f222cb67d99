import type { Counter, Histogram, Registry } from '../base/index.ts'

const SECONDS = [0.0001, 0.001, 0.01, 0.1, 1, 10]

export interface ComputeMetrics {
  /** Labels: lane, outcome (done, failed, busy, aborted). */
  readonly tasks: Counter
  /** Label: lane. */
  readonly waitSeconds: Histogram
  readonly runSeconds: Histogram
}

export function computeMetrics(registry: Registry): ComputeMetrics {
  return {
    tasks: registry.counter('myrmex_compute_tasks_total', 'Tasks by lane and outcome'),
    waitSeconds: registry.histogram('myrmex_compute_wait_seconds', 'Time from call to thread', SECONDS),
    runSeconds: registry.histogram('myrmex_compute_run_seconds', 'Time on the thread, both borders included', SECONDS),
  }
}
