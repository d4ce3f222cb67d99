/** A client of a network, found by the flags that all network commands share. */
import { createLogger, DeadlineExceeded, formatText, silentLogger, systemClock, withDeadline } from '../base/index.ts'
import type { Client } from '../client/index.ts'
import { readManifest } from '../devnet/index.ts'
import { createClientNode, NETWORK_PRESETS, parseSocketAddress, type Tuning } from '../node/index.ts'
import { isLoopback, type Multiaddr, parseMultiaddr, quicMultiaddr } from '../protocol/index.ts'
import { CliError } from './args.ts'
import { type ProfileValues, profileOf } from './profile-flags.ts'

export interface ClientFlags {
  readonly manifest?: string | undefined
  readonly bootstrap?: readonly string[]
  readonly allowLoopback?: boolean
  readonly timeoutSecs?: number | undefined
  readonly verbose?: boolean
  readonly tuning?: Tuning
}

/** Values of CONNECT_FLAGS. */
export function clientFlags(
  values: ProfileValues & {
    readonly 'devnet-manifest': string | undefined
    readonly bootstrap: readonly string[]
    readonly 'allow-loopback': boolean
    readonly 'timeout-secs': number | undefined
    readonly verbose: boolean
  },
): ClientFlags {
  return {
    manifest: values['devnet-manifest'],
    bootstrap: values.bootstrap,
    allowLoopback: values['allow-loopback'],
    timeoutSecs: values['timeout-secs'],
    verbose: values.verbose,
    tuning: profileOf(values).tuning,
  }
}

const DEFAULT_TIMEOUT_SECS = 60

/** Connected, or a clear error: nobody answered, the manifest is unreadable, storing there costs money. */
async function openClient(
  flags: ClientFlags,
  signal: AbortSignal,
): Promise<{ client: Client; stop: () => Promise<void> }> {
  const { seeds, local } = await findSeeds(flags)
  const logger = flags.verbose
    ? createLogger({
        clock: systemClock,
        level: 'debug',
        sink: (record) => void process.stderr.write(`${formatText(record)}\n`),
      })
    : silentLogger
  const node = await createClientNode({
    seeds,
    allowLoopback: local || (flags.allowLoopback ?? false),
    clock: systemClock,
    logger,
    tuning: flags.tuning ?? profileOf({ profile: undefined, set: [] }).tuning,
  })
  const timeoutMs = (flags.timeoutSecs ?? DEFAULT_TIMEOUT_SECS) * 1000
  try {
    await withDeadline(systemClock, timeoutMs, signal, 'connecting', (inner) => node.start(inner))
  } catch (error) {
    await node.stop()
    if (error instanceof DeadlineExceeded) {
      throw new CliError(
        `no node answered within ${timeoutMs / 1000} s: check the addresses and that the network is running`,
      )
    }
    throw error
  }
  return { client: node.client, stop: () => node.stop() }
}

async function findSeeds(flags: ClientFlags): Promise<{ seeds: readonly Multiaddr[]; local: boolean }> {
  const given = (flags.bootstrap ?? []).map((text) =>
    text.startsWith('/') ? parseMultiaddr(text) : quicMultiaddr(parseSocketAddress(text)),
  )
  if (flags.manifest !== undefined) {
    const { manifest, seeds } = await readManifest(flags.manifest)
    if (manifest.evm)
      throw new CliError(
        'this network asks for payment on a chain, which is not part of this release: use a network started by myrmex devnet',
      )
    return { seeds: given.length > 0 ? given : seeds, local: true }
  }
  // Whoever starts from this machine means a network on it.
  if (given.length > 0) return { seeds: given, local: given.every(isLoopback) }
  return { seeds: NETWORK_PRESETS.production.seeds.map((seed) => quicMultiaddr(seed)), local: false }
}

/** Opens a client for one piece of work. */
export async function withClient<T>(
  flags: ClientFlags,
  signal: AbortSignal,
  work: (client: Client) => Promise<T>,
): Promise<T> {
  const { client, stop } = await openClient(flags, signal)
  try {
    return await work(client)
  } finally {
    await stop()
  }
}
