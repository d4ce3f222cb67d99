/** Tasks of the compute contract, one by name. */
import { CodedError } from '../../src/base/index.ts'

export type ContractInput =
  | { readonly kind: 'double'; readonly value: number }
  | { readonly kind: 'reverse'; readonly bytes: Uint8Array; readonly more?: Uint8Array }
  | { readonly kind: 'fail' }
  | { readonly kind: 'throw-text' }
  | { readonly kind: 'gate'; readonly gate: SharedArrayBuffer }
  | { readonly kind: 'block'; readonly gate: SharedArrayBuffer }
  | { readonly kind: 'die' }
  | { readonly kind: 'uncloneable' }

const ENTERED = 0
const OPEN = 1

export async function run(input: ContractInput): Promise<unknown> {
  switch (input.kind) {
    case 'double':
      return input.value * 2
    case 'reverse':
      return { bytes: input.bytes.toReversed(), behind: input.bytes.buffer.byteLength, more: input.more }
    case 'fail':
      throw new CodedError('CONTRACT_FAILED', 'on purpose', {
        data: { limit: 7 },
        cause: new CodedError('CONTRACT_CAUSE', 'deeper'),
      })
    case 'throw-text':
      throw 'only a text'
    case 'gate': {
      const gate = new Int32Array(input.gate)
      Atomics.add(gate, ENTERED, 1)
      Atomics.notify(gate, ENTERED)
      await Atomics.waitAsync(gate, OPEN, 0).value
      return 'through'
    }
    case 'block': {
      const gate = new Int32Array(input.gate)
      Atomics.store(gate, ENTERED, 1)
      Atomics.notify(gate, ENTERED)
      Atomics.wait(gate, OPEN, 0)
      return 'through'
    }
    case 'die':
      return process.exit(3)
    case 'uncloneable':
      return () => undefined
  }
}
