/**
 * A loopback network of the reference's own nodes, started from PEER_BIN. Only for machines that have them; everything
 * runs in a network namespace with nothing but `lo`, so that no update check or port mapping leaves the machine.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { never } from '../../src/base/index.ts'
import type { ChunkAddress } from '../../src/protocol/index.ts'
import { createLmdbPaidList } from '../../src/storage/index.ts'

const LOG_FILTER = 'warn,ant_node=info,saorsa_core::network=info,saorsa_core::dht_network_manager=info'

export interface StockNode {
  readonly index: number
  readonly port: number
  readonly rootDir: string
  readonly process: ChildProcess
}

export class StockNetwork {
  readonly nodes: StockNode[] = []
  readonly #folder: string
  readonly #bin: string
  readonly #basePort: number
  readonly #filter: string

  /** `filter`: what they log, in the form of RUST_LOG. */
  constructor(folder: string, bin: string, basePort: number, filter = LOG_FILTER) {
    this.#folder = folder
    this.#bin = bin
    this.#basePort = basePort
    this.#filter = filter
  }

  rootDir(index: number): string {
    return join(this.#folder, `stock-${index}`)
  }

  /** A chunk as a plain file in the store of a node that has not been started yet. */
  async placeChunk(index: number, address: string, content: Uint8Array): Promise<void> {
    const shard = join(this.rootDir(index), 'chunks', address.slice(-2))
    await mkdir(shard, { recursive: true })
    await writeFile(join(shard, address), content)
  }

  /** Starts one node; `bootstrap` are ports of this network unless given as addresses. */
  async start(index: number, bootstrap: readonly string[]): Promise<StockNode> {
    const rootDir = this.rootDir(index)
    const logDir = join(rootDir, 'log')
    const home = join(this.#folder, 'home')
    await mkdir(logDir, { recursive: true })
    await mkdir(home, { recursive: true })
    const port = this.#basePort + index
    const args = [
      '--root-dir',
      rootDir,
      '--port',
      String(port),
      '--ipv4-only',
      '--disable-webrtc-direct',
      '--network-mode',
      'development',
      '--stop-on-upgrade',
      '--metrics-port',
      '0',
    ]
    args.push('--rewards-address', `0x${(0x1000 + index).toString(16).padStart(40, '0')}`)
    args.push('--enable-logging', '--log-level', 'info', '--log-dir', logDir)
    for (const address of bootstrap) args.push('--bootstrap', address)
    const env = {
      PATH: process.env['PATH'],
      HOME: home,
      XDG_DATA_HOME: join(home, 'data'),
      XDG_CONFIG_HOME: join(home, 'config'),
      XDG_CACHE_HOME: join(home, 'cache'),
      RUST_LOG: this.#filter,
    }
    const child = spawn(join(this.#bin, 'ant-node'), args, { env, stdio: 'ignore' })
    const node = { index, port, rootDir, process: child }
    this.nodes.push(node)
    return node
  }

  /** All log text of a node so far. */
  async log(node: StockNode): Promise<string> {
    const folder = join(node.rootDir, 'log')
    const files = await readdir(folder).catch(() => [])
    return (await Promise.all(files.sort().map((name) => readFile(join(folder, name), 'utf8')))).join('')
  }

  async linesOf(node: StockNode, pattern: RegExp): Promise<string[]> {
    return (await this.log(node)).split('\n').filter((line) => pattern.test(line))
  }

  /** Clean stop: the nodes write their caches. */
  async stop(): Promise<void> {
    const exits = this.nodes.map(({ process: child }) =>
      child.exitCode !== null || child.signalCode !== null
        ? undefined
        : new Promise((resolve) => child.once('exit', resolve)),
    )
    for (const { process: child } of this.nodes) child.kill('SIGINT')
    await Promise.all(exits)
  }
}

/** What a node that has not been started yet, of theirs or ours, holds as paid: the list is made by us, read by both. */
export async function listPaid(rootDir: string, addresses: readonly ChunkAddress[]): Promise<void> {
  const list = createLmdbPaidList(rootDir)
  await list.start(never)
  await Promise.all(addresses.map((address) => list.insert(address)))
  await list.stop()
}
