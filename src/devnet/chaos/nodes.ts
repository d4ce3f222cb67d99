/** The node processes of a local network under chaos: killed, frozen, cut off, started again, replaced. */
import { type ChildProcess, spawn } from 'node:child_process'
import { rm } from 'node:fs/promises'
import { type Clock, never } from '../../base/index.ts'
import { NO_FAULTS, type ProfileRequest, writeFaults } from '../../node/index.ts'
import type { Devnet } from '../devnet.ts'
import type { DevnetNodeRecord } from '../folder.ts'
import { BOOTSTRAP_NODES } from '../manifest.ts'
import { isOurProcess, startNodeProcess, stopProcesses } from '../processes.ts'
import { Cuts } from './cuts.ts'

/** What a disk that is not quite full still says to have: less than any reserve. */
const LITTLE_ROOM = 16 * 1024 * 1024
const POLL_MS = 50
const END_LIMIT_MS = 10_000

export interface ChaosNodesOptions {
  readonly program: readonly string[]
  readonly logLevel: string
  readonly profile?: ProfileRequest
}

export class ChaosNodes {
  readonly #network: Devnet
  readonly #options: ChaosNodesOptions
  readonly #clock: Clock
  /** Slots that are down because they were told to. */
  readonly #down = new Set<number>()
  readonly #freezers = new Map<number, ChildProcess>()
  readonly #cuts = new Cuts({
    portOf: (slot) => portOf(this.#record(slot).address),
    write: (slot, faults) => writeFaults(this.root(slot), faults),
  })
  #nextFolder: number

  constructor(network: Devnet, options: ChaosNodesOptions, clock: Clock) {
    this.#network = network
    this.#options = options
    this.#clock = clock
    this.#nextFolder = network.nodes.length
  }

  get count(): number {
    return this.#network.nodes.length
  }
  /** Folder of each slot. */
  get roots(): readonly string[] {
    return this.#network.nodes.map(({ root_dir }) => root_dir)
  }
  root(slot: number): string {
    return this.#record(slot).root_dir
  }

  /** Slots whose process is gone though nobody here ended it. */
  crashed(): number[] {
    return this.#network.nodes
      .filter(({ index, pid, root_dir }) => !this.#down.has(index) && !isOurProcess(pid, root_dir))
      .map(({ index }) => index)
  }

  async kill(slot: number): Promise<void> {
    this.#down.add(slot)
    await this.#end(slot, 'SIGKILL')
  }

  async stop(slot: number): Promise<void> {
    this.#down.add(slot)
    const { pid, root_dir: rootDir } = this.#record(slot)
    await stopProcesses([{ pid, rootDir }], this.#clock)
  }

  /** The same folder, identity and port. Throws DEVNET_NODE_FAILED. */
  start(slot: number, signal: AbortSignal): Promise<void> {
    const { root_dir, address } = this.#record(slot)
    return this.#start(slot, root_dir, portOf(address), signal)
  }

  /** One that ended by itself. */
  revive(slot: number, signal: AbortSignal): Promise<void> {
    this.#down.add(slot)
    return this.start(slot, signal)
  }

  /** Another node, of another folder, identity and port, in the place of one that is gone for ever; cuts go on. */
  async replace(slot: number, signal: AbortSignal): Promise<void> {
    const old = this.root(slot)
    await this.kill(slot)
    await this.#start(slot, this.#network.folder.rootDir(this.#nextFolder++), 0, signal)
    await this.#cuts.renew(slot)
    await rm(old, { recursive: true, force: true, maxRetries: 5 })
  }

  /** Held by a process of its own that lets go when we are gone, however we end: nobody can end a frozen node politely. */
  async freeze(slot: number): Promise<void> {
    const script = 'kill -STOP "$1" && echo done; cat >/dev/null; kill -CONT "$1"'
    const args = ['-c', script, 'freezer', String(this.#record(slot).pid)]
    const freezer = spawn('sh', args, { stdio: ['pipe', 'pipe', 'ignore'], detached: true })
    freezer.on('error', () => undefined)
    freezer.stdin.on('error', () => undefined)
    this.#freezers.set(slot, freezer)
    await new Promise((resolve) => freezer.stdout.once('data', resolve).once('close', resolve))
  }

  async thaw(slot: number): Promise<void> {
    const freezer = this.#freezers.get(slot)
    this.#freezers.delete(slot)
    if (!freezer || freezer.exitCode !== null) return
    const ended = new Promise((resolve) => freezer.once('exit', resolve))
    freezer.stdin?.end()
    await ended
  }

  fill(slot: number, brimful: boolean): Promise<void> {
    return writeFaults(this.root(slot), { ...NO_FAULTS, free_bytes: brimful ? 0 : LITTLE_ROOM })
  }

  /** Packets of `slot` no longer reach `others`, and unless `oneWay` theirs do not reach it. */
  cut(slot: number, others: readonly number[], oneWay: boolean): Promise<void> {
    return this.#cuts.cut(slot, others, oneWay)
  }

  mend(slot: number): Promise<void> {
    return this.#cuts.mend(slot)
  }

  async thawAll(): Promise<void> {
    await Promise.all([...this.#freezers.keys()].map((slot) => this.thaw(slot)))
  }

  async #start(slot: number, rootDir: string, port: number, signal: AbortSignal): Promise<void> {
    const { program, logLevel, profile } = this.#options
    const seeds = this.#network.nodes.filter(({ index }) => index !== slot && !this.#down.has(index))
    const { pid, peerId, address } = await startNodeProcess(
      {
        index: slot,
        ...{ program, rootDir, port, logLevel },
        logPath: this.#network.folder.logPath(slot),
        bootstrap: seeds.slice(0, BOOTSTRAP_NODES).map((seed) => socketOf(seed.address)),
        developerFaults: true,
        ...(profile && { profile }),
      },
      signal,
      this.#clock,
    )
    await this.#network.renew({ index: slot, pid, peer_id: peerId, address, root_dir: rootDir })
    this.#down.delete(slot)
  }

  async #end(slot: number, name: NodeJS.Signals): Promise<void> {
    const { pid, root_dir: rootDir } = this.#record(slot)
    try {
      if (isOurProcess(pid, rootDir)) process.kill(pid, name)
    } catch {
      // Gone in between.
    }
    for (let waited = 0; waited < END_LIMIT_MS && isOurProcess(pid, rootDir); waited += POLL_MS)
      await this.#clock.sleep(POLL_MS, never)
  }

  #record(slot: number): DevnetNodeRecord {
    return this.#network.nodes[slot] as DevnetNodeRecord
  }
}

/** Of `/ip4/127.0.0.1/udp/PORT/quic/p2p/ID`. */
function portOf(address: string): number {
  return Number(/\/udp\/(\d+)\//.exec(address)?.[1] ?? 0)
}

function socketOf(address: string): string {
  return `127.0.0.1:${portOf(address)}`
}
