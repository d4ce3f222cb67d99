/** Clients on demand: their rooms (client, self-encryption, the pool) are loaded when the first one is made. */
import type { ClientNode, ClientNodeOptions } from './client-node.ts'
import type { ClientPorts, WiredClient } from './client-wiring.ts'
import type { PeerSettings } from './wiring.ts'

export type { ClientNode, ClientNodeOptions } from './client-node.ts'
export type { ClientPorts, WiredClient } from './client-wiring.ts'

export async function createClientNode(options: ClientNodeOptions): Promise<ClientNode> {
  return (await import('./client-node.ts')).createClientNode(options)
}

export async function wireClient(ports: ClientPorts, settings: PeerSettings): Promise<WiredClient> {
  return (await import('./client-wiring.ts')).wireClient(ports, settings)
}
