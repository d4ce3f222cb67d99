/** Networks to join, by name. */
import type { SocketAddress } from '../protocol/index.ts'

export const NETWORK_MODES = ['production', 'testnet', 'development'] as const
export type NetworkMode = (typeof NETWORK_MODES)[number]

export interface NetworkPreset {
  readonly bindIp: string
  /** Peers on 127.0.0.0/8 and ::1 may enter the routing table. */
  readonly allowLoopback: boolean
  /** Peers per exact IP and per subnet in one bucket and among the closest; Infinity = no limit. */
  readonly maxPerIp: number
  readonly maxPerSubnet: number
  readonly seeds: readonly SocketAddress[]
  /** Real money and strangers: `free` payment is refused here. */
  readonly isPublic: boolean
}

/** UDP 10000 each, as shipped with the network's own node (operations.md 4). */
const MAINNET_SEEDS = [
  '207.148.94.42',
  '45.77.50.10',
  '66.135.23.83',
  '149.248.9.2',
  '49.12.119.240',
  '5.161.25.133',
  '18.228.202.183',
]

export const NETWORK_PRESETS: Readonly<Record<NetworkMode, NetworkPreset>> = {
  production: {
    bindIp: '0.0.0.0',
    allowLoopback: false,
    maxPerIp: 2,
    maxPerSubnet: 5,
    seeds: MAINNET_SEEDS.map((ip) => ({ ip, port: 10000 })),
    isPublic: true,
  },
  testnet: {
    bindIp: '0.0.0.0',
    allowLoopback: true,
    maxPerIp: Infinity,
    maxPerSubnet: Infinity,
    seeds: [],
    isPublic: false,
  },
  development: {
    bindIp: '127.0.0.1',
    allowLoopback: true,
    maxPerIp: Infinity,
    maxPerSubnet: Infinity,
    seeds: [],
    isPublic: false,
  },
}
