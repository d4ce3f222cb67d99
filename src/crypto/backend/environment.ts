/** The settings of this room that come from outside the program. */
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

/** MYRMEX_ADDON: the addon's file where it is not in its usual place, such as a build with sanitizers. */
export function addonOverride(): string | undefined {
  return process.env['MYRMEX_ADDON'] || undefined
}
