/** Entry of every worker thread: imports the task's module once, runs it, moves the result's buffers back. */
import { isMarkedAsUntransferable } from 'node:worker_threads'
import { move, transferableSymbol, valueSymbol } from 'piscina'
import { toPlain } from '../base/index.ts'
import type { TaskFunction } from './compute.ts'
import type { Reply } from './lanes.ts'
import { movable, reclaimInput } from './transfer.ts'

export interface WorkerRequest {
  readonly url: string
  readonly input: unknown
}

interface TaskModule {
  readonly run: TaskFunction<unknown, unknown>
}

const modules = new Map<string, TaskModule>()

export default async function runTask({ url, input }: WorkerRequest): Promise<unknown> {
  try {
    const { run } = modules.get(url) ?? (await load(url))
    const { value, transfer } = movable(await run(input), isMarkedAsUntransferable)
    reclaimInput(input, transfer)
    const reply: Reply = { kind: 'done', output: value }
    return move({ [transferableSymbol]: transfer, [valueSymbol]: reply } as never)
  } catch (error) {
    return { kind: 'failed', error: toPlain(error) } satisfies Reply
  }
}

async function load(url: string): Promise<TaskModule> {
  const module = (await import(url)) as TaskModule
  modules.set(url, module)
  return module
}
