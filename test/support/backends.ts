/** The crypto backends that this machine has; what is missing is named, never passed over in silence. */
import { messageOf } from '../../src/base/index.ts'
import { type Backend, type BackendName, loadBackend } from '../../src/crypto/index.ts'

export interface BackendUnderTest {
  readonly name: BackendName
  readonly backend: Backend | undefined
  /** For node:test: false, or the reason why it is skipped. */
  readonly skip: string | false
}

/** Only the native addon may be missing: wasm is in the repository and js is plain code. */
export function backendsUnderTest(): BackendUnderTest[] {
  return (['native', 'wasm', 'js'] as const).map((name) => {
    try {
      return { name, backend: loadBackend(name), skip: false }
    } catch (error) {
      if (name !== 'native') throw error
      return { name, backend: undefined, skip: messageOf(error) }
    }
  })
}

export function presentBackends(): Backend[] {
  return backendsUnderTest().flatMap(({ backend }) => (backend === undefined ? [] : [backend]))
}
