import type { Bytes } from '../base/index.ts'
import type { Backend } from './backend.ts'

/** One signature to make or to check, as it also crosses to a worker. */
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

export function runMlDsa(input: MlDsaTaskInput, backend: Backend): Bytes | boolean {
  const { message, context } = input
  if (input.kind === 'verify') return backend.mlDsaVerify(input.publicKey, message, input.signature, context)
  return backend.mlDsaSign(input.secretKey, message, context === undefined ? {} : { context })
}
