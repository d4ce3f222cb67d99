/**
 * Peers are told when a process or a worker ends without stopping its transports: without CONNECTION_CLOSE a node
 * that comes back on the same port would be ignored for up to 55 s (wire.md 7.2). Node runs no native hook on
 * `process.exit`, so this is the one thing that all endpoints of a thread share.
 */
import type { AddonEndpoint } from './addon.ts'

/** Enough for a packet to leave; a process that ends does not wait longer. */
const LIMIT_MS = 250

const live = new Map<AddonEndpoint, { readonly code: number; readonly reason: string }>()

/** Closes `endpoint` when this thread ends; the returned function takes that back. */
export function closeOnExit(endpoint: AddonEndpoint, code: number, reason: string): () => void {
  if (live.size === 0) process.on('exit', closeAll)
  live.set(endpoint, { code, reason })
  return () => {
    live.delete(endpoint)
    if (live.size === 0) process.off('exit', closeAll)
  }
}

function closeAll(): void {
  for (const [endpoint, { code, reason }] of live) endpoint.shutdown(code, reason, LIMIT_MS)
}
