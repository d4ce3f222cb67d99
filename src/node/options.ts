/** What a storage node is told, checked before identity, store or socket are made (operations.md 1, 4). */
import { formatIp, isLanIp, parseIp, type SocketAddress, unmapIp } from '../protocol/index.ts'
import { NodeError } from './errors.ts'
import { NETWORK_MODES, NETWORK_PRESETS, type NetworkMode, type NetworkPreset } from './presets.ts'

export const PAYMENT_MODES = ['required', 'free'] as const
export type PaymentMode = (typeof PAYMENT_MODES)[number]

export interface StorageNodeSettings {
  readonly rootDir: string
  readonly mode: NetworkMode
  readonly preset: NetworkPreset
  readonly bind: SocketAddress
  readonly seeds: readonly SocketAddress[]
  readonly payment: PaymentMode
  readonly rewardsAddress: string | undefined
  /** Free space that is never written into. */
  readonly diskReserveBytes: number
  /** Loopback port of /health and /metrics; 0 = off. */
  readonly metricsPort: number
  /** Watches its faults file (faults.ts). */
  readonly developerFaults: boolean
}

export interface StorageNodeRequest {
  readonly rootDir: string
  readonly mode?: string | undefined
  readonly payment?: string | undefined
  readonly port?: number | undefined
  /** `IP:PORT`, `[IPv6]:PORT`. */
  readonly bootstrap?: readonly string[]
  readonly rewardsAddress?: string | undefined
  readonly diskReserveMb?: number | undefined
  readonly metricsPort?: number | undefined
  readonly developerFaults?: boolean | undefined
}

/** Free space that a node never writes into. */
export const DEFAULT_RESERVE_MB = 500

/** Throws NODE_OPTIONS with one sentence that says what to change. */
export function resolveNodeSettings(request: StorageNodeRequest): StorageNodeSettings {
  const mode = oneOf('--network-mode', NETWORK_MODES, request.mode ?? 'production')
  const payment = oneOf('--payment', PAYMENT_MODES, request.payment ?? 'required')
  const preset = NETWORK_PRESETS[mode]
  const given = (request.bootstrap ?? []).map(parseSocketAddress)
  const seeds = given.length > 0 ? given : preset.seeds
  if (payment === 'free') refuseFreeInPublic(mode, preset, seeds)
  if (request.developerFaults && mode !== 'development') {
    throw new NodeError('NODE_OPTIONS', '--developer-faults is for tests on --network-mode development only')
  }
  const rewardsAddress = request.rewardsAddress
  if (rewardsAddress !== undefined && !/^0[xX][0-9a-fA-F]{40}$/.test(rewardsAddress)) {
    throw new NodeError('NODE_OPTIONS', `--rewards-address takes 0x and 40 hex digits, not "${rewardsAddress}"`)
  }
  if (payment === 'required' && rewardsAddress === undefined) {
    throw new NodeError(
      'NODE_OPTIONS',
      'a node that is paid needs --rewards-address 0x… (on a local network: --payment free)',
    )
  }
  return {
    rootDir: request.rootDir,
    mode,
    preset,
    bind: { ip: preset.bindIp, port: request.port ?? 0 },
    seeds,
    payment,
    rewardsAddress,
    diskReserveBytes: (request.diskReserveMb ?? DEFAULT_RESERVE_MB) * 1024 * 1024,
    metricsPort: request.metricsPort ?? 0,
    developerFaults: request.developerFaults ?? false,
  }
}

/** Nobody on a public network may be talked into storing for nothing. */
function refuseFreeInPublic(mode: NetworkMode, preset: NetworkPreset, seeds: readonly SocketAddress[]): void {
  if (preset.isPublic) {
    throw new NodeError(
      'NODE_OPTIONS',
      `--payment free is for local networks only and does not go with --network-mode ${mode}: use --network-mode development`,
    )
  }
  const outside = seeds.find(({ ip }) => !isLanIp(unmapIp(parseIp(ip) ?? new Uint8Array(4))))
  if (outside)
    throw new NodeError(
      'NODE_OPTIONS',
      `--payment free is for local networks only, but ${outside.ip} is a public address`,
    )
}

/** `IP:PORT` of either family. */
export function parseSocketAddress(text: string): SocketAddress {
  const match = /^(?:\[([^\]]+)\]|([^:[\]]+)):(\d{1,5})$/.exec(text)
  const ip = match ? parseIp((match[1] ?? match[2]) as string) : undefined
  const port = Number(match?.[3])
  if (ip === undefined || !(port >= 1 && port <= 65535)) {
    throw new NodeError(
      'NODE_OPTIONS',
      `"${text}" is no address of the form IP:PORT (for example 192.0.2.1:10000 or [2001:db8::1]:10000)`,
    )
  }
  return { ip: formatIp(unmapIp(ip)), port }
}

function oneOf<T extends string>(name: string, values: readonly T[], text: string): T {
  const found = values.find((value) => value === text)
  if (found === undefined)
    throw new NodeError('NODE_OPTIONS', `${name} takes one of ${values.join(', ')}, not "${text}"`)
  return found
}
