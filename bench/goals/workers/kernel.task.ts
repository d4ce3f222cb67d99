/** Tasks for the pool rows: a kernel on a worker thread. The payload goes back with the result, so it can go again. */
import { defineTask } from '../../../src/compute/index.ts'
import { backend, type SealKeys } from '../../../src/crypto/index.ts'

export interface KernelInput {
  readonly kernel: 'nothing' | 'hash' | 'seal' | 'verify'
  readonly payload: Uint8Array
  readonly times?: number
  readonly keys?: SealKeys
  readonly publicKey?: Uint8Array
  readonly signature?: Uint8Array
}

export interface KernelOutput {
  readonly payload: Uint8Array
  /** Of the last round. */
  readonly digest: Uint8Array
}

export function run({ kernel, payload, times = 1, keys, publicKey, signature }: KernelInput): KernelOutput {
  let digest: Uint8Array = new Uint8Array(32)
  for (let i = 0; i < times; i++) {
    if (kernel === 'hash') digest = backend().blake3(payload)
    else if (kernel === 'seal') digest = backend().sealChunk(payload, keys as SealKeys).address
    else if (kernel === 'verify') {
      const valid = backend().mlDsaVerify(publicKey as Uint8Array, payload, signature as Uint8Array)
      if (!valid) throw new Error('a signature of the row is not valid')
    }
  }
  return { payload, digest }
}

export const kernelTask = defineTask<KernelInput, KernelOutput>(import.meta.url, 'bench kernel')
