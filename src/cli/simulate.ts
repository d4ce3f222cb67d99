/** Runs of `myrmex sim`: a node that throws where nobody listens ends the run, not the process. */
import { messageOf, systemClock } from '../base/index.ts'
import { type Outcome, type RunOptions, runScenario, type Scenario } from '../scenario/index.ts'

export type RunEnd =
  | { readonly kind: 'ended'; readonly outcome: Outcome }
  /** In words without addresses and numbers, so that the same failure of a smaller run says the same. */
  | { readonly kind: 'crashed'; readonly what: string; readonly error: unknown }

export async function simulate(
  scenario: Scenario,
  options: Pick<RunOptions, 'signal'> & { readonly onSample?: RunOptions['onSample'] },
): Promise<RunEnd> {
  const stopping = new AbortController()
  let crash: { error: unknown } | undefined
  const onCrash = (error: unknown) => {
    crash ??= { error }
    stopping.abort()
  }
  process.on('unhandledRejection', onCrash).on('uncaughtException', onCrash)
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
    return crash ? crashed(crash.error) : { kind: 'ended', outcome }
  } catch (error) {
    if (options.signal.aborted) throw error
    return crashed(crash ? crash.error : error)
  } finally {
    process.off('unhandledRejection', onCrash).off('uncaughtException', onCrash)
  }
}

function crashed(error: unknown): RunEnd {
  const what = messageOf(error).split('\n', 1)[0] ?? ''
  return { kind: 'crashed', what: what.replace(/[0-9a-f]{8,}|\d+(\.\d+)*/g, 'N').slice(0, 200), error }
}

/** The same failure: the same crash, or the same expectation that is not met. undefined: none. */
export function failureOf(end: RunEnd): string | undefined {
  if (end.kind === 'crashed') return `crash: ${end.what}`
  return end.outcome.verdicts.find(({ met }) => !met)?.text
}

export function failsAs(end: RunEnd, failure: string): boolean {
  if (end.kind === 'crashed') return failureOf(end) === failure
  return end.outcome.verdicts.some(({ met, text }) => !met && text === failure)
}
