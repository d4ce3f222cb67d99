/** Compute on the calling thread, one task a lane at a time: tests, simulation, tiny inputs. */
import { type Clock, resolveOptions, toPlain } from '../base/index.ts'
import type { Compute, TaskFunction } from './compute.ts'
import { type Dispatch, LanesCompute, type Reply } from './lanes.ts'
import type { ComputeMetrics } from './metrics.ts'
import { type ComputeOptions, computeDefaults } from './options.ts'

export interface InlineComputeDeps {
  /** Only for the metrics. */
  readonly clock?: Clock
  readonly metrics?: ComputeMetrics
}

/**
 * Takes no real time before a task whose definition carries its function, so that a simulated node stays
 * deterministic; any other task file is imported at its first use. Inputs that are not moved are borrowed, not copied.
 */
export function createInlineCompute(
  deps: InlineComputeDeps = {},
  options?: Partial<Pick<ComputeOptions, 'maxWaiting'>>,
): Compute {
  const { maxWaiting } = resolveOptions('compute', { maxWaiting: computeDefaults.maxWaiting }, options)
  const { clock = NO_CLOCK, ...rest } = deps
  return new InlineCompute({ clock, ...rest }, 1, maxWaiting)
}

const NO_CLOCK = { monotonic: () => 0 }

class InlineCompute extends LanesCompute {
  protected async dispatch({ task, input, transfer }: Dispatch): Promise<Reply> {
    try {
      const run = (task.run ?? (await import(task.url.href)).run) as TaskFunction<unknown, unknown>
      const given = transfer.length === 0 ? input : structuredClone(input, { transfer: [...transfer] })
      return { kind: 'done', output: await run(given) }
    } catch (error) {
      return { kind: 'failed', error: toPlain(error) }
    }
  }

  protected async close(): Promise<void> {}
}
