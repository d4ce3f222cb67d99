/** Timing of calls that this thread makes itself. */
import { median } from './goal.ts'

/** Median nanoseconds of a call, called over and over for so long. `batch` calls are timed as one when a call is short. */
export function callNs(ms: number, call: () => unknown, batch = 1): number {
  const times: number[] = []
  const end = performance.now() + ms
  do {
    const began = process.hrtime.bigint()
    for (let i = 0; i < batch; i++) call()
    times.push(Number(process.hrtime.bigint() - began) / batch)
  } while (performance.now() < end)
  return median(times)
}

/** The same for calls that are waited for. */
export async function asyncCallNs(ms: number, call: () => Promise<unknown>): Promise<number> {
  const times: number[] = []
  const end = performance.now() + ms
  do {
    const began = process.hrtime.bigint()
    await call()
    times.push(Number(process.hrtime.bigint() - began))
  } while (performance.now() < end)
  return median(times)
}

export const perSecond = (ns: number) => 1e9 / ns
/** MB = 10^6 bytes. */
export const megabytesPerSecond = (bytes: number, ns: number) => (bytes * 1000) / ns
