/** What a command is, and what it is given. */
import type { Flags, Values } from './args.ts'
import type { Output } from './output.ts'

export interface CommandContext<F extends Flags> {
  readonly values: Values<F>
  readonly positionals: readonly string[]
  /** Aborted by the first Ctrl-C. */
  readonly signal: AbortSignal
  readonly output: Output
}

export interface Command<F extends Flags = Flags> {
  /** Words that call it, for example `file upload`. */
  readonly name: string
  readonly summary: string
  /** After the name, for example `PATH`. */
  readonly usage: string
  readonly positionals: { readonly min: number; readonly max: number }
  readonly flags: F
  /** Not listed in the overview. */
  readonly hidden?: boolean
  run(context: CommandContext<F>): Promise<number>
}

/** Fixes the flag types of one command. */
export function defineCommand<const F extends Flags>(command: Command<F>): Command {
  return command as unknown as Command
}
