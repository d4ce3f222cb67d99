/** The form of a bench file: `bench/<shelf>/<name>.bench.ts` exports one of these as default. */
import type { Effort, Level, Row } from './measure.ts'

/** In the order they run: what is below is known when what stands on it is measured. */
export const SHELVES = ['kernel', 'room', 'channel', 'walk', 'scale'] as const

export interface Context {
  readonly level: Level
  readonly effort: Effort
  readonly cores: number
  /** A build of the command line for node processes (`nodeCommand`). */
  readonly program: string | undefined
  /** Fires on Ctrl-C: what runs is to end soon; `teardown` is called all the same. */
  readonly signal: AbortSignal
}

export interface Step<State> {
  readonly id: string
  run(state: State): Promise<Row | readonly Row[]>
}

export interface BenchFile<State = undefined> {
  /** Why nothing of this file can run here. */
  skip?(context: Context): string | undefined
  /** Pure: what there is to run, so that a filter can choose before anything is started. */
  steps(context: Context): readonly Step<State>[]
  /** Once, before the first chosen step. */
  setup?(context: Context): Promise<State>
  /** Always after `setup`, however the steps ended. */
  teardown?(state: State): Promise<void>
}

export function benchFile<State = undefined>(file: BenchFile<State>): BenchFile<State> {
  return file
}
