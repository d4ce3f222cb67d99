/** Worker task: one signature made or checked on the backend of that thread. */
import type { Bytes } from '../base/index.ts'
import { backend } from './select.ts'

export type MlDsaTaskInput =
  | {
      readonly kind: 'sign'
      readonly secretKey: Uint8Array
      readonly message: Uint8Array
      readonly context?: Uint8Array
    }
  | {
      readonly kind: 'verify'
      readonly publicKey: Uint8Array
      readonly message: Uint8Array
      readonly signature: Uint8Array
      readonly context?: Uint8Array
    }

export function run(input: MlDsaTaskInput): Bytes | boolean {
  const kernels = backend()
  if (input.kind === 'verify')
    return kernels.mlDsaVerify(input.publicKey, input.message, input.signature, input.context)
  const { secretKey, message, context } = input
  return kernels.mlDsaSign(secretKey, message, context === undefined ? {} : { context })
}
