/** A machine with a node on it, over all its boots. */
import type { Registry } from '../base/index.ts'
import type { Signer } from '../crypto/index.ts'
import type { WiredNode, WiredPeer } from '../node/index.ts'
import { type ChunkAddress, type PeerId, peerIdOfPublicKey } from '../protocol/index.ts'
import type { SimDisk, SimHost } from '../sim/index.ts'
import type { ChunkStore, OutOfRangeTimers, PaidList, ScrubberOptions } from '../storage/index.ts'

/** How one node of a simulated network differs from the others. */
export interface SimulatedNodeOptions {
  /** The node talks to what this returns for the store on its disk, at every boot: a liar is a node like all others. */
  readonly wrapStore?: (store: ChunkStore) => ChunkStore
  /** Without a disk below: for very many chunks. It survives a restart. */
  readonly memoryStore?: boolean
  /** Reads its own chunks, as fast as told; does not without. */
  readonly scrub?: Partial<ScrubberOptions>
  /** Of each boot; a fresh one without. */
  readonly registry?: () => Registry
}

export interface SimulatedMachine {
  readonly index: number
  readonly host: SimHost
  readonly signer: Signer
  readonly disk: SimDisk
}

export class SimulatedNode {
  readonly options: SimulatedNodeOptions
  readonly index: number
  readonly peerId: PeerId
  readonly host: SimHost
  readonly signer: Signer
  /** Under store and paid list: it can be full, read-only, failing, away, rot and lose power. */
  readonly disk: SimDisk
  /** What lies on the disk, of the present boot; never wrapped. */
  store!: ChunkStore
  /** Of the present boot. */
  paidList!: PaidList
  timers!: OutOfRangeTimers
  /** What the boot counts. */
  registry!: Registry
  network!: WiredPeer['network']
  dht!: WiredPeer['dht']
  replication!: WiredNode['replication']

  constructor({ index, host, signer, disk }: SimulatedMachine, options: SimulatedNodeOptions = {}) {
    this.index = index
    this.options = options
    this.host = host
    this.disk = disk
    this.signer = signer
    this.peerId = peerIdOfPublicKey(signer.publicKey)
  }

  /** As the scrubber does: a corrupt chunk goes. */
  async checkChunk(address: ChunkAddress): Promise<void> {
    const { kind } = await this.store.check(address)
    if (kind === 'corrupt') this.replication.chunkRemoved(address, true)
  }
  tableSize(): number {
    return this.dht.tableSize
  }
  knows(other: SimulatedNode): boolean {
    return this.dht.addressesOf(other.peerId).length > 0
  }
}
