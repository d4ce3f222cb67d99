import { type Backend, loadBackend } from '../src/crypto/index.ts'

/** Every backend that this machine has, fastest first. */
export function allBackends(): Backend[] {
  const found: Backend[] = []
  for (const name of ['native', 'wasm', 'js'] as const) {
    try {
      found.push(loadBackend(name))
    } catch {
      // not on this machine: its rows are missing, and the machine facts say which backend is in force
    }
  }
  return found
}
