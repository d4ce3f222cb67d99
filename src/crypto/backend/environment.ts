/** The one setting of this room that comes from outside the program. */
import type { BackendName } from '../backend.ts'
import { CryptoError } from '../errors.ts'

const NAMES: readonly BackendName[] = ['native', 'wasm', 'js']

/** MYRMEX_BACKEND: the backend that must be used; undefined when the best one may be picked. */
export function forcedBackend(): BackendName | undefined {
  const text = process.env['MYRMEX_BACKEND']
  if (text === undefined || text === '') return undefined
  const name = NAMES.find((known) => known === text)
  if (name === undefined)
    throw new CryptoError('CRYPTO_BACKEND_MISSING', `MYRMEX_BACKEND is "${text}": known are ${NAMES.join(', ')}`)
  return name
}
