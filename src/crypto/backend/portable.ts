/**
 * The wasm and js backends, read when they are asked for: js stands on @noble/*, 17 modules and 12 MiB of resident
 * memory that a process with the addon never needs. `require`, because a backend is chosen without a pause.
 */
import { createRequire } from 'node:module'
import type { Backend } from '../backend.ts'

/** Beside this file, with its own extension: `.ts` in the repository, `.js` in the published package. */
const EXTENSION = import.meta.url.slice(import.meta.url.lastIndexOf('.'))
const require = createRequire(import.meta.url)

export function createWasmBackend(): Backend {
  return (require(`./wasm${EXTENSION}`) as typeof import('./wasm.ts')).createWasmBackend()
}

export function createJsBackend(): Backend {
  return (require(`./js${EXTENSION}`) as typeof import('./js.ts')).createJsBackend()
}
