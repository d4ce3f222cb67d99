/** What a group of rows is given: its effort, its helpers, and where results go. */
import { setTimeout as delay } from 'node:timers/promises'
import type { Measurement } from './goal.ts'
import { buildRust, type RustProgram } from './rust.ts'
import type { Scope } from './scope.ts'
import { Session } from './session.ts'

export interface Group {
  readonly ids: readonly string[]
  /** Measures what is wanted of its rows. What it throws becomes the reason of all rows that have no result by then. */
  run(context: Context): Promise<void>
}

/** Said by a group when a row cannot be measured here. */
export class NotMeasured extends Error {}

export class Context {
  readonly quick: boolean
  readonly scope: Scope
  readonly signal: AbortSignal
  readonly #wanted: ReadonlySet<string>
  readonly #report: (id: string, result: Measurement | string) => void
  #rust: Promise<RustProgram> | undefined

  constructor(config: {
    quick: boolean
    scope: Scope
    signal: AbortSignal
    wanted: ReadonlySet<string>
    report: (id: string, result: Measurement | string) => void
  }) {
    this.quick = config.quick
    this.scope = config.scope
    this.signal = config.signal
    this.#wanted = config.wanted
    this.#report = config.report
  }

  wants(...ids: readonly string[]): boolean {
    return ids.some((id) => this.#wanted.has(id))
  }

  measured(id: string, result: Measurement): void {
    if (this.#wanted.has(id)) this.#report(id, result)
  }

  notMeasured(id: string, reason: string): void {
    if (this.#wanted.has(id)) this.#report(id, reason)
  }

  /** Full or quick. */
  pick<T>(full: T, quick: T): T {
    return this.quick ? quick : full
  }

  /** The Rust program with these arguments, as a session; throws NotMeasured where it cannot be built. */
  async rust(...args: readonly string[]): Promise<Session> {
    this.#rust ??= buildRust(this.scope, this.signal)
    const program = await this.#rust
    if (program.kind === 'missing') throw new NotMeasured(program.reason)
    return new Session(this.scope.spawn(program.path, args, { stdio: ['pipe', 'pipe', 'inherit'] }), this.signal)
  }

  /** One of our scripts, as a session. */
  node(script: string, ...args: readonly string[]): Session {
    const child = this.scope.node(script, args, { stdio: ['pipe', 'pipe', 'inherit'] })
    return new Session(child, this.signal)
  }

  async sleep(ms: number): Promise<void> {
    await delay(ms, undefined, { signal: this.signal })
  }
}

/** Rounds in turn, A B A B, after one of each that is not counted; ratios are taken round by round. */
export async function takeTurns(
  rounds: number,
  signal: AbortSignal,
  ours: () => number | Promise<number>,
  theirs: () => number | Promise<number>,
  warmUp = true,
): Promise<{ ours: number[]; theirs: number[]; ratios: number[] }> {
  const result = { ours: [] as number[], theirs: [] as number[], ratios: [] as number[] }
  for (let round = warmUp ? -1 : 0; round < rounds; round++) {
    signal.throwIfAborted()
    const a = await ours()
    signal.throwIfAborted()
    const b = await theirs()
    if (round < 0) continue
    result.ours.push(a)
    result.theirs.push(b)
    result.ratios.push(a / b)
  }
  return result
}
