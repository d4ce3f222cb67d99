/** Reads and compiles wasm/dist/core.wasm, once per thread. */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { messageOf } from '../../base/index.ts'
import { CryptoError } from '../errors.ts'
import type { WasmExports } from './wasm-core.ts'

/** The version of the core's C ABI that this code is written for. */
const ABI_VERSION = 2

interface WebAssemblyApi {
  readonly Module: new (bytes: Uint8Array) => object
  readonly Instance: new (module: object) => { readonly exports: unknown }
}

/** Not in the type libraries that this program uses: the DOM's would bring all of the browser along. */
const { WebAssembly } = globalThis as unknown as { readonly WebAssembly: WebAssemblyApi }

/** A function that makes a fresh instance. Throws CRYPTO_BACKEND_MISSING when the file is missing or altered. */
export function compileCore(): () => WasmExports {
  const folder = new URL('../../../wasm/dist/', import.meta.url)
  const path = fileURLToPath(new URL('core.wasm', folder))
  try {
    const bytes = readFileSync(path)
    const [sum] = readFileSync(new URL('SHA256SUMS', folder), 'utf8').split(/\s+/)
    if (createHash('sha256').update(bytes).digest('hex') !== sum) throw new Error('its checksum differs')
    const module = new WebAssembly.Module(bytes)
    const instantiate = () => new WebAssembly.Instance(module).exports as WasmExports
    const version = instantiate().mx_abi_version()
    if (version !== ABI_VERSION) throw new Error(`it has ABI ${version}, this code needs ${ABI_VERSION}`)
    return instantiate
  } catch (cause) {
    const message = `the wasm core ${path} cannot be used: ${messageOf(cause)}`
    throw new CryptoError('CRYPTO_BACKEND_MISSING', message, { cause })
  }
}
