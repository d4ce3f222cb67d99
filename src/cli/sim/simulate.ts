/** Runs of `myrmex sim`: what is thrown ends the run, not the process. */
import { messageOf, systemClock } from '../../base/index.ts'
import { type Outcome, type RunOptions, runScenario, type Scenario } from '../../scenario/index.ts'

export type RunEnd = { readonly kind: 'ended'; readonly outcome: Outcome } | Crash

interface Crash {
  readonly kind: 'crashed'
  /** In words without addresses and numbers, so that the same failure of a smaller run says the same. */
  readonly what: string
  readonly error: unknown
  /** A rejection that nobody handles: a node threw. Otherwise the run itself could not go on. */
  readonly unheard: boolean
}

/** Throws SCENARIO_STOPPED when it is aborted before there is anything to tell. */
export async function simulate(
  scenario: Scenario,
  options: Pick<RunOptions, 'signal'> & { readonly onSample?: RunOptions['onSample'] },
): Promise<RunEnd> {
  const stopping = new AbortController()
  let crash: Crash | undefined
  const endWith = (unheard: boolean) => (error: unknown) => {
    crash ??= crashed(error, unheard)
    stopping.abort()
  }
  const [onRejection, onException] = [endWith(true), endWith(false)]
  process.on('unhandledRejection', onRejection).on('uncaughtException', onException)
  try {
    const signal = AbortSignal.any([options.signal, stopping.signal])
    const { onSample } = options
    const rssBytes = () => process.memoryUsage.rss()
    const outcome = await runScenario(scenario, {
      clock: systemClock,
      signal,
      rssBytes,
      ...(onSample ? { onSample } : {}),
    })
    // What was thrown in the last instant is heard after it.
    await new Promise(setImmediate)
    return crash ?? { kind: 'ended', outcome }
  } catch (error) {
    if (options.signal.aborted) throw error
    return crash ?? crashed(error, false)
  } finally {
    process.off('unhandledRejection', onRejection).off('uncaughtException', onException)
  }
}

function crashed(error: unknown, unheard: boolean): Crash {
  const what = messageOf(error).split('\n', 1)[0] ?? ''
  return { kind: 'crashed', what: what.replace(/[0-9a-f]{8,}|\d+(\.\d+)*/g, 'N').slice(0, 200), error, unheard }
}

/** The same failure: the same crash, or the same expectation that is not met. undefined: none, or it was interrupted. */
export function failureOf(end: RunEnd): string | undefined {
  if (end.kind === 'crashed') return `${end.unheard ? 'crash' : 'error'}: ${end.what}`
  if (end.outcome.interrupted) return undefined
  return end.outcome.verdicts.find(({ met }) => !met)?.text
}

export function failsAs(end: RunEnd, failure: string): boolean {
  if (end.kind === 'crashed') return failureOf(end) === failure
  return !end.outcome.interrupted && end.outcome.verdicts.some(({ met, text }) => !met && text === failure)
}
