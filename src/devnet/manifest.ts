/** The hand-over file for clients, in the form of the network's own tools (operations.md 9). */
import { readFile, stat } from 'node:fs/promises'
import { codeOf, messageOf } from '../base/index.ts'
import { type Multiaddr, parseMultiaddr } from '../protocol/index.ts'
import { DevnetError } from './errors.ts'

/** Nodes that newcomers and clients are pointed at. */
export const BOOTSTRAP_NODES = 3

export interface DevnetManifest {
  readonly base_port: number
  readonly node_count: number
  /** multiaddrs, `/p2p/…` optional. */
  readonly bootstrap: readonly string[]
  readonly data_dir: string
  readonly created_at: string
  /** Absent on a network where storing is free. */
  readonly evm?: {
    readonly rpc_url: string
    readonly wallet_private_key: string
    readonly payment_token_address: string
    readonly payment_vault_address: string
  }
}

/** Larger than a manifest of any local network. */
const MAX_BYTES = 1024 * 1024

async function readText(path: string): Promise<string> {
  const fail = (message: string, cause?: unknown) =>
    new DevnetError('DEVNET_MANIFEST', message, { data: { code: codeOf(cause) ?? '' }, cause })
  try {
    const found = await stat(path)
    if (found.isFile() && found.size <= MAX_BYTES) return await readFile(path, 'utf8')
  } catch (error) {
    if (codeOf(error) === 'ENOENT')
      throw fail(`there is no manifest ${path}. Is the network running? See: myrmex devnet status`, error)
    throw fail(`the manifest ${path} cannot be read: ${messageOf(error)}`, error)
  }
  throw fail(`${path} is no manifest of a network`)
}

/** Reads a manifest of ours or of the network's tools; unknown fields are ignored. */
export async function readManifest(path: string): Promise<{ manifest: DevnetManifest; seeds: readonly Multiaddr[] }> {
  const text = await readText(path)
  let manifest: DevnetManifest
  try {
    manifest = JSON.parse(text) as DevnetManifest
  } catch (error) {
    throw new DevnetError('DEVNET_MANIFEST', `${path} is no manifest of a network: it is not JSON`, { cause: error })
  }
  const entries: unknown = manifest?.bootstrap
  if (!Array.isArray(entries) || entries.length === 0 || !entries.every((entry) => typeof entry === 'string')) {
    throw new DevnetError('DEVNET_MANIFEST', `the manifest ${path} names no bootstrap addresses`)
  }
  try {
    return { manifest, seeds: entries.map((entry: string) => parseMultiaddr(entry)) }
  } catch (error) {
    throw new DevnetError('DEVNET_MANIFEST', `the manifest ${path} holds a bad address: ${messageOf(error)}`, {
      cause: error,
    })
  }
}
