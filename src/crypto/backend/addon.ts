/** Loads the native addon: kernels and QUIC endpoint live in one file, which is loaded once per thread. */
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import { messageOf } from '../../base/index.ts'
import { CryptoError } from '../errors.ts'
import { addonOverride } from './environment.ts'

/** The version of the core's C ABI that this code is written for. */
const ABI_VERSION = 1

export interface Addon {
  readonly path: string
  readonly exports: Readonly<Record<string, unknown>>
}

let loaded: Addon | undefined

/** The addon of this thread. Throws CRYPTO_BACKEND_MISSING with the reason when it cannot be loaded. */
export function loadAddon(): Addon {
  if (loaded !== undefined) return loaded
  const path = addonOverride() ?? fileURLToPath(new URL('../../../native/build/myrmex.node', import.meta.url))
  let exports: Addon['exports']
  try {
    exports = createRequire(import.meta.url)(path) as Addon['exports']
  } catch (cause) {
    const reason =
      (cause as { code?: unknown }).code === 'MODULE_NOT_FOUND'
        ? `the native addon is not built (${path}): install Rust from https://rustup.rs and a C++ compiler, then run npm start or npm run build:native`
        : `the native addon ${path} does not load: ${messageOf(cause)}`
    throw new CryptoError('CRYPTO_BACKEND_MISSING', reason, { cause })
  }
  if (exports['abiVersion'] !== ABI_VERSION) {
    const found = String(exports['abiVersion'])
    const message = `the native addon ${path} has ABI ${found}, this code needs ${ABI_VERSION}: npm run build:native`
    throw new CryptoError('CRYPTO_BACKEND_MISSING', message)
  }
  loaded = { path, exports }
  return loaded
}
