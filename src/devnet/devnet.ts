/** A local network of real nodes as a function: start, read, stop. Commands, tests and demos share it. */
import { access } from 'node:fs/promises'
import { join } from 'node:path'
import { type Clock, never, systemClock } from '../base/index.ts'
import { DEFAULT_RESERVE_MB, type ProfileRequest } from '../node/index.ts'
import { DevnetError } from './errors.ts'
import { DevnetFolder, type DevnetNodeRecord, type DevnetState, type Supervisor } from './folder.ts'
import { createInProcessNodes, type InProcessNodes } from './in-process.ts'
import { BOOTSTRAP_NODES, type DevnetManifest } from './manifest.ts'
import {
  isOurProcess,
  processStamp,
  releaseNode,
  type StartedProcess,
  startNodeProcess,
  stopProcesses,
} from './processes.ts'
import { waitUntilAccepting } from './ready.ts'

export interface DevnetOptions {
  readonly nodes: number
  readonly dataDir: string
  /** All nodes in this process instead of one process each. */
  readonly inProcess: boolean
  /** The nodes outlive this process. */
  readonly detached: boolean
  /** Data stays when the network stops. */
  readonly keep: boolean
  readonly logLevel: string
  /** Program and arguments that run this command line, for node processes. */
  readonly program: readonly string[]
  /** As for `node run`: `auto` and nothing set alone without. */
  readonly profile?: ProfileRequest
  /** Nodes take faults from a file (node/faults.ts); processes only. */
  readonly developerFaults?: boolean
  readonly onProgress?: (done: number, total: number) => void
}

export interface Devnet extends AsyncDisposable {
  readonly folder: DevnetFolder
  readonly manifestPath: string
  readonly nodes: readonly DevnetNodeRecord[]
  /** Data stay when it stops: asked for now, or when the folder was first made. */
  readonly kept: boolean
  /** A node was started anew, or another one in its place: from now on this one is meant by its index. */
  renew(record: DevnetNodeRecord): Promise<void>
  stop(): Promise<void>
}

const MEGABYTE = 1024 * 1024
/** Room for anything beyond the reserve: less is none. */
const LEAST_ROOM_MB = 16

/** Resolves when the network accepts a put. On failure everything started is stopped again. */
export async function startDevnet(
  options: DevnetOptions,
  signal: AbortSignal,
  clock: Clock = systemClock,
): Promise<Devnet> {
  const folder = new DevnetFolder(options.dataDir)
  await refuseFullDisk(folder)
  const self: Supervisor = { pid: process.pid, stamp: processStamp(process.pid) }
  const createdAt = new Date(clock.now()).toISOString()
  const refuse = (previous: DevnetState) => refuseRunning(folder, previous)
  const claimed = await folder.claim({ createdAt, keep: options.keep, supervisor: self }, refuse, clock)
  const started: StartedProcess[] = []
  const records: DevnetNodeRecord[] = []
  let inProcess: InProcessNodes | undefined
  const stop = async () => {
    await inProcess?.stop()
    if (!inProcess)
      await stopProcesses(
        records.map(({ pid, root_dir }) => ({ pid, rootDir: root_dir })),
        clock,
      )
    // Somebody else may have removed the network, and even have made another one here since.
    const now = (await folder.state())?.supervisor
    if (now?.pid !== self.pid || now.stamp !== self.stamp) return
    if (claimed.keep) await folder.saveState({ ...claimed, supervisor: null, nodes: records })
    else await folder.remove()
  }
  try {
    if (options.inProcess) {
      inProcess = createInProcessNodes(folder, options.nodes, options.profile)
      records.push(...(await inProcess.start(signal, options.onProgress)))
    } else {
      for (const record of await startProcesses(folder, options, started, signal, clock)) records.push(record)
    }
    await folder.saveState({ ...claimed, nodes: records })
    await folder.saveManifest(manifestOf(folder, records, claimed.created_at))
    await waitUntilAccepting(
      records.map((record) => record.address),
      signal,
      clock,
    )
    if (options.detached) {
      await folder.saveState({ ...claimed, supervisor: null, nodes: records })
      for (const node of started) await releaseNode(node)
    }
    const { manifestPath } = folder
    let saved = Promise.resolve()
    const renew = (record: DevnetNodeRecord) => {
      records[record.index] = record
      // One write after the other: they share a temporary name.
      saved = saved
        .catch(() => undefined)
        .then(async () => {
          await folder.saveState({ ...claimed, nodes: records })
          await folder.saveManifest(manifestOf(folder, records, claimed.created_at))
        })
      return saved
    }
    return { folder, manifestPath, nodes: records, kept: claimed.keep, renew, stop, [Symbol.asyncDispose]: stop }
  } catch (error) {
    await stop().catch(() => undefined)
    throw error
  }
}

async function startProcesses(
  folder: DevnetFolder,
  options: DevnetOptions,
  started: StartedProcess[],
  signal: AbortSignal,
  clock: Clock,
): Promise<DevnetNodeRecord[]> {
  const records: DevnetNodeRecord[] = []
  try {
    // The first ones stand alone for a moment; all others have somebody to join, and may come together.
    const launch = async (index: number) => {
      const bootstrap = started.slice(0, BOOTSTRAP_NODES).map((node) => node.socket)
      const rootDir = folder.rootDir(index)
      const node = await startNodeProcess(
        {
          index,
          program: options.program,
          rootDir,
          logPath: folder.logPath(index),
          port: 0,
          bootstrap,
          logLevel: options.logLevel,
          ...(options.profile && { profile: options.profile }),
          ...(options.developerFaults && { developerFaults: true }),
        },
        signal,
        clock,
      )
      started.push(node)
      records.push({ index, pid: node.pid, peer_id: node.peerId, address: node.address, root_dir: rootDir })
      options.onProgress?.(records.length, options.nodes)
    }
    await launch(0)
    const rest = await Promise.allSettled(Array.from({ length: options.nodes - 1 }, (_, i) => launch(i + 1)))
    const failed = rest.find((outcome) => outcome.status === 'rejected')
    if (failed) throw failed.reason
    return records.sort((a, b) => a.index - b.index)
  } catch (error) {
    await stopProcesses(
      records.map(({ pid, root_dir }) => ({ pid, rootDir: root_dir })),
      clock,
    )
    throw error
  }
}

function manifestOf(folder: DevnetFolder, records: readonly DevnetNodeRecord[], createdAt: string): DevnetManifest {
  const port = Number(/\/udp\/(\d+)\//.exec(records[0]?.address ?? '')?.[1] ?? 0)
  return {
    base_port: port,
    node_count: records.length,
    bootstrap: records.slice(0, BOOTSTRAP_NODES).map((record) => record.address),
    data_dir: folder.path,
    created_at: createdAt,
  }
}

export interface DevnetStatus {
  readonly manifest: string
  readonly nodes: readonly {
    index: number
    pid: number | null
    peer_id: string
    address: string
    root_dir: string
    running: boolean
  }[]
}

/** Throws DEVNET_NOT_RUNNING when the folder holds no local network. */
export async function devnetStatus(dataDir: string): Promise<DevnetStatus> {
  const folder = new DevnetFolder(dataDir)
  const state = await folder.state()
  if (!state)
    throw new DevnetError(
      'DEVNET_NOT_RUNNING',
      `there is no local network in ${folder.path}. Start one with: myrmex devnet start --data '${folder.path}'`,
    )
  const nodes = state.nodes.map(({ index, pid, peer_id, address, root_dir }) => {
    const running = isNodeRunning(state.supervisor, pid, root_dir)
    return { index, pid: running ? pid : null, peer_id, address, root_dir, running }
  })
  return { manifest: folder.manifestPath, nodes }
}

/** Stops the network of a folder, whoever started it. Its data go, unless they are to be kept and `wipe` is not given. */
export async function stopDevnet(
  dataDir: string,
  { wipe = false }: { wipe?: boolean } = {},
  clock: Clock = systemClock,
): Promise<{ stopped: number; kept: boolean }> {
  const folder = new DevnetFolder(dataDir)
  const state = await folder.state()
  if (!state) throw new DevnetError('DEVNET_NOT_RUNNING', `there is no local network in ${folder.path}`)
  const running = await runningNodes(folder)
  const { supervisor } = state
  if (supervisor !== null && supervisor.pid !== process.pid && isSupervisor(supervisor)) {
    // It may still be starting nodes that nobody else knows of: it ends them, and then itself or its hold.
    process.kill(supervisor.pid, 'SIGTERM')
    for (let waited = 0; waited < 20_000 && isSupervisor(supervisor); waited += 100) {
      if (!(await folder.state())?.supervisor) break
      await clock.sleep(100, never)
    }
  }
  const left = [
    ...(await runningNodes(folder)).map(({ pid, root_dir }) => ({ pid, rootDir: root_dir })),
    ...(await folder.announcedNodes()),
  ]
  await stopProcesses(
    left.filter(({ pid }) => pid !== supervisor?.pid),
    clock,
  )
  const kept = state.keep && !wipe
  if (!kept) await folder.remove()
  return { stopped: running.length, kept }
}

async function runningNodes(folder: DevnetFolder): Promise<readonly DevnetNodeRecord[]> {
  const state = await folder.state()
  return state?.nodes.filter((node) => isNodeRunning(state.supervisor, node.pid, node.root_dir)) ?? []
}

/** Nodes on a disk without room refuse every put: said at once rather than after a minute. */
async function refuseFullDisk(folder: DevnetFolder): Promise<void> {
  const free = await folder.freeBytes()
  if (free === undefined || free > (DEFAULT_RESERVE_MB + LEAST_ROOM_MB) * MEGABYTE) return
  throw new DevnetError(
    'DEVNET_FOLDER',
    `only ${Math.floor(free / MEGABYTE)} MB are free at ${folder.path}, and nodes leave ${DEFAULT_RESERVE_MB} MB untouched: make room or use another disk`,
  )
}

/** Throws DEVNET_RUNNING while the folder's network runs or is being started. */
function refuseRunning(folder: DevnetFolder, { supervisor, nodes }: DevnetState): void {
  const running = nodes.filter((node) => isNodeRunning(supervisor, node.pid, node.root_dir))
  const starting = supervisor !== null && isSupervisor(supervisor)
  if (running.length === 0 && !starting) return
  const what =
    running.length > 0
      ? `a local network is already running in ${folder.path} (${running.length} nodes)`
      : `process ${supervisor?.pid} is starting a local network in ${folder.path}`
  throw new DevnetError('DEVNET_RUNNING', `${what}. Stop it with: myrmex devnet stop --data '${folder.path}'`)
}

/** A node in the supervisor's own process lives as long as that does. */
function isNodeRunning(supervisor: Supervisor | null, pid: number, rootDir: string): boolean {
  return supervisor !== null && pid === supervisor.pid ? isSupervisor(supervisor) : isOurProcess(pid, rootDir)
}

function isSupervisor({ pid, stamp }: Supervisor): boolean {
  return stamp !== '' && processStamp(pid) === stamp
}

/** Copies of each chunk, counted on the nodes' disks. */
export async function countCopies(nodes: readonly DevnetNodeRecord[], addresses: readonly string[]): Promise<number[]> {
  const holds = (root: string, address: string) =>
    access(join(root, 'chunks', address.slice(-2), address)).then(
      () => true,
      () => false,
    )
  return Promise.all(
    addresses.map(
      async (address) =>
        (await Promise.all(nodes.map(({ root_dir }) => holds(root_dir, address)))).filter(Boolean).length,
    ),
  )
}
