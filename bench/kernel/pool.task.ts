/** What pool.bench.ts runs on worker threads. The input comes back with the answer, so that it can be sent again. */
import { backend, type SealKeys } from '../../src/crypto/index.ts'

export type PoolWork =
  | { readonly kind: 'nothing' | 'hash'; readonly data: Uint8Array }
  | { readonly kind: 'seal'; readonly data: Uint8Array; readonly keys: SealKeys }
  | {
      readonly kind: 'verify'
      readonly data: Uint8Array
      readonly publicKey: Uint8Array
      readonly signature: Uint8Array
      readonly times: number
    }

export function run(work: PoolWork): { readonly data: Uint8Array } {
  const { data } = work
  switch (work.kind) {
    case 'nothing':
      break
    case 'hash':
      backend().blake3(data)
      break
    case 'seal':
      backend().sealChunk(data, work.keys)
      break
    case 'verify':
      for (let i = 0; i < work.times; i++)
        if (!backend().mlDsaVerify(work.publicKey, data, work.signature)) throw new Error('the signature is good')
  }
  return { data }
}
