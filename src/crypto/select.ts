/** Which backend is in force on this thread: native, then wasm, then js, unless MYRMEX_BACKEND forces one. */
import { messageOf } from '../base/index.ts'
import { loadedAddon } from './backend/addon.ts'
import type { AddonFile } from './backend/addon-file.ts'
import { forcedBackend } from './backend/environment.ts'
import { createNativeBackend } from './backend/native.ts'
import { createJsBackend, createWasmBackend } from './backend/portable.ts'
import type { Backend, BackendName } from './backend.ts'
import { CryptoError } from './errors.ts'

export interface BackendReport {
  /** The backend in force; undefined when the forced one is missing. */
  readonly name: BackendName | undefined
  /** Set by MYRMEX_BACKEND. */
  readonly forced: boolean
  /** Every kernel and the backend that runs it. */
  readonly kernels: Readonly<Record<string, BackendName>>
  /** The file of the native backend and where it comes from, when native is in force. */
  readonly addon: AddonFile | undefined
  /** Why each better backend was not taken. */
  readonly refused: Readonly<Partial<Record<BackendName, string>>>
}

interface Choice {
  readonly backend: Backend | undefined
  readonly forced: BackendName | undefined
  readonly refused: Partial<Record<BackendName, string>>
}

const KERNELS = ['blake3', 'ml-dsa-65 keys', 'ml-dsa-65 sign', 'ml-dsa-65 verify', 'seal', 'open', 'audit blocks']
const LOADERS: readonly (readonly [BackendName, () => Backend])[] = [
  ['native', createNativeBackend],
  ['wasm', createWasmBackend],
  ['js', createJsBackend],
]

let chosen: Choice | undefined

/** The backend in force, loaded once per thread. Throws CRYPTO_BACKEND_MISSING when a forced one cannot be had. */
export function backend(): Backend {
  const { backend, forced, refused } = choice()
  if (backend !== undefined) return backend
  const name = forced as BackendName
  throw new CryptoError('CRYPTO_BACKEND_MISSING', `MYRMEX_BACKEND asks for ${name}: ${refused[name]}`)
}

/** One backend by name, whatever is in force: for contract tests and benches. Throws CRYPTO_BACKEND_MISSING. */
export function loadBackend(name: BackendName): Backend {
  const load = LOADERS.find(([known]) => known === name)?.[1]
  try {
    if (load === undefined) throw new Error('not in this build')
    return load()
  } catch (cause) {
    throw new CryptoError('CRYPTO_BACKEND_MISSING', `backend ${name} is not there: ${messageOf(cause)}`, { cause })
  }
}

export function backendReport(): BackendReport {
  const { backend, forced, refused } = choice()
  const kernels = backend === undefined ? [] : KERNELS.map((kernel) => [kernel, backend.name] as const)
  const addon = backend?.name === 'native' ? loadedAddon() : undefined
  return { name: backend?.name, forced: forced !== undefined, kernels: Object.fromEntries(kernels), addon, refused }
}

function choice(): Choice {
  chosen ??= choose(forcedBackend())
  return chosen
}

function choose(forced: BackendName | undefined): Choice {
  const refused: Partial<Record<BackendName, string>> = {}
  for (const [name] of LOADERS) {
    if (forced !== undefined && name !== forced) continue
    try {
      return { backend: loadBackend(name), forced, refused }
    } catch (error) {
      refused[name] = messageOf(error)
    }
  }
  if (forced !== undefined) refused[forced] ??= 'not in this build'
  return { backend: undefined, forced, refused }
}
