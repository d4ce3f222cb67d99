import { second } from '../base/index.ts'

export interface ComputeOptions {
  /** Threads of each lane; 0 means one for every core the process may use. */
  readonly threads: number
  /** Tasks that may wait in one lane; the next one fails with COMPUTE_BUSY. */
  readonly maxWaiting: number
  /** An idle thread ends after this long. */
  readonly idleTimeoutMs: number
  /** How long an aborted bulk task may go on before its thread is ended. */
  readonly abortGraceMs: number
}

export const computeDefaults: ComputeOptions = Object.freeze({
  // Kernels are bound by the processor: more threads than cores only add memory.
  threads: 0,
  // A waiting bulk task holds a 4 MiB chunk: 256 of them are 1 GiB, beyond which the caller has lost control.
  maxWaiting: 256,
  // Starting a thread and its kernels costs about 50 ms: ten seconds bridge the pauses of one transfer.
  idleTimeoutMs: 10 * second,
  // One chunk takes 40 ms natively and some seconds in plain JS; ending a thread throws its warm kernels away.
  abortGraceMs: 5 * second,
})
