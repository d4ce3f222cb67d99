/** The last reading of an upload. Tried again where nothing came; bytes that were wrong once are not made good by right ones. */
import type { ReadOutcome } from './traffic.ts'

const ATTEMPTS = 3

export interface FinalCheck {
  /** Attempts that gave other bytes than were stored. */
  readonly wrong: number
  /** Why none gave the right ones. */
  readonly unreadable?: string
}

export async function checkUpload(
  read: () => Promise<ReadOutcome>,
  pause: () => Promise<void>,
  signal: AbortSignal,
): Promise<FinalCheck> {
  let wrong = 0
  let why = ''
  for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
    const outcome = await read()
    // What was stopped meanwhile says nothing.
    if (outcome.kind === 'wrong') wrong++
    else if (outcome.kind === 'same' || signal.aborted) return { wrong }
    why = outcome.why ?? ''
    if (attempt < ATTEMPTS) await pause()
  }
  return { wrong, unreadable: why }
}
