/** Loads the native addon: kernels and QUIC endpoint live in one file, which is loaded once per thread. */
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import { getEnvironmentData, setEnvironmentData } from 'node:worker_threads'
import { messageOf } from '../../base/index.ts'
import { CryptoError } from '../errors.ts'
import { type AddonFile, type AddonOrigin, findAddon, HOW_TO_BUILD } from './addon-file.ts'
import { addonOverride } from './environment.ts'

/** The version of the core's C ABI that this code is written for. */
const ABI_VERSION = 2
/** The same depth above src/ and above dist/. */
const ROOT = fileURLToPath(new URL('../../../', import.meta.url))
/** Environment data reach every worker started later: the addon's megabytes are hashed once, not once per thread. */
const VERIFIED = 'myrmex.verified-addon'

export interface Addon {
  readonly path: string
  readonly origin: AddonOrigin
  readonly exports: Readonly<Record<string, unknown>>
}

let loaded: Addon | undefined

/** The addon of this thread. Throws CRYPTO_BACKEND_MISSING with the reason when it cannot be loaded. */
export function loadAddon(): Addon {
  if (loaded !== undefined) return loaded
  const { path, origin } = find()
  let exports: Addon['exports']
  try {
    exports = createRequire(import.meta.url)(path) as Addon['exports']
  } catch (cause) {
    const reason =
      (cause as { code?: unknown }).code === 'MODULE_NOT_FOUND'
        ? `the native addon is not built (${path}): ${HOW_TO_BUILD}`
        : `the native addon ${path} does not load: ${messageOf(cause)}`
    throw new CryptoError('CRYPTO_BACKEND_MISSING', reason, { cause })
  }
  if (exports['abiVersion'] !== ABI_VERSION) {
    const found = String(exports['abiVersion'])
    const remedy = origin === 'prebuilt' ? 'install the package again' : 'npm run build:native'
    const message = `the native addon ${path} has ABI ${found}, this code needs ${ABI_VERSION}: ${remedy}`
    throw new CryptoError('CRYPTO_BACKEND_MISSING', message)
  }
  loaded = { path, origin, exports }
  return loaded
}

/** What is loaded on this thread, if anything is. */
export function loadedAddon(): AddonFile | undefined {
  return loaded && { path: loaded.path, origin: loaded.origin }
}

function find(): AddonFile {
  const { platform, arch } = process
  const verified = {
    has: (file: string) => getEnvironmentData(VERIFIED) === file,
    add: (file: string) => setEnvironmentData(VERIFIED, file),
  }
  try {
    return findAddon({ root: ROOT, override: addonOverride(), platform, arch, glibc: onGlibc, verified })
  } catch (cause) {
    throw new CryptoError('CRYPTO_BACKEND_MISSING', messageOf(cause), { cause })
  }
}

/** Node names the version of the glibc that it runs on in its report, and nothing on musl. */
function onGlibc(): boolean {
  const report = process.report as typeof process.report & { excludeNetwork: boolean }
  // Without this the report asks the resolver for a name of every network interface.
  const network = report.excludeNetwork
  report.excludeNetwork = true
  const { header } = report.getReport() as { readonly header: { readonly glibcVersionRuntime?: string } }
  report.excludeNetwork = network
  return header.glibcVersionRuntime !== undefined
}
