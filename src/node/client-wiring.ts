/** A client over ports only. Apart from `wiring.ts`: a storage node never loads the rooms that read and write files. */
import type { Startable } from '../base/index.ts'
import { type Client, createClient, type LocalFiles } from '../client/index.ts'
import type { Compute } from '../compute/index.ts'
import type { Payer } from '../payment/index.ts'
import { type PeerPorts, type PeerSettings, type WiredPeer, wirePeer } from './wiring.ts'

export interface ClientPorts extends PeerPorts {
  readonly files: LocalFiles
  readonly payer: Payer
  readonly compute: Compute
}

export interface WiredClient extends WiredPeer {
  readonly client: Client
  /** In start order. */
  readonly parts: readonly Startable[]
}

export function wireClient(ports: ClientPorts, settings: PeerSettings): WiredClient {
  const { clock, random, log, registry, payer, compute, files } = ports
  const { network, dht } = wirePeer(ports, settings, 'client', {})
  const client = createClient(
    { network, dht, payer, compute, files, clock, random, log, registry },
    settings.tuning?.client,
  )
  return { network, dht, client, parts: [network, dht, client] }
}
