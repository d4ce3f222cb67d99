/** A thread that hashes its bytes each time it is woken: cell 0 counts requests, cell 1 answers. Ended by terminate. */
import { parentPort, workerData } from 'node:worker_threads'
import { backend } from '../../../src/crypto/index.ts'

export interface BareThread {
  readonly cells: Int32Array
  readonly payload: Uint8Array
}

const { cells, payload } = workerData as BareThread
parentPort?.postMessage(backend().blake3(payload))
for (let seen = 0; ; seen++) {
  Atomics.wait(cells, 0, seen)
  backend().blake3(payload)
  Atomics.add(cells, 1, 1)
  Atomics.notify(cells, 1)
}
