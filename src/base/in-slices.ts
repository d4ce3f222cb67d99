/**
 * Long work as a generator that stops every few hundred microseconds: its caller decides when the rest runs, so that
 * an hourly build over a million keys leaves the event loop to audits that must be answered within seconds.
 */
export type InSlices<T> = Generator<undefined, T, undefined>

/** To the end without a pause: for tests and for small inputs. */
export function atOnce<T>(work: InSlices<T>): T {
  let step = work.next()
  while (!step.done) step = work.next()
  return step.value
}

/** To the end with `breathe` (a turn of the event loop) between slices. */
export async function withPauses<T>(work: InSlices<T>, breathe: () => Promise<void>): Promise<T> {
  let step = work.next()
  while (!step.done) {
    await breathe()
    step = work.next()
  }
  return step.value
}
