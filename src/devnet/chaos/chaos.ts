/**
 * Chaos on a local network of its own: nodes are killed, frozen, cut off, filled, damaged and replaced by a plan, while
 * a client uploads and reads. The verdict is about what was confirmed: every byte of it must come back.
 */
import { type Clock, messageOf, minute, seededRandom, systemClock, withScope } from '../../base/index.ts'
import { type ClientNode, createClientNode, type ProfileRequest } from '../../node/index.ts'
import { parseMultiaddr } from '../../protocol/index.ts'
import { type Devnet, startDevnet } from '../devnet.ts'
import { DevnetError } from '../errors.ts'
import { DevnetFolder } from '../folder.ts'
import { lastWords } from '../processes.ts'
import { ChunkFiles } from './chunk-files.ts'
import { checkUpload } from './final-check.ts'
import { MOST_OUT } from './guard.ts'
import { ChaosNodes } from './nodes.ts'
import { planChaos, replacementsOf } from './plan.ts'
import { Repairs } from './repairs.ts'
import { TRAFFIC_DEFAULTS, Traffic, type Upload } from './traffic.ts'
import { Upheavals } from './upheavals.ts'
import { type ChaosVerdict, type Happened, judge } from './verdict.ts'
import { CopiesWatch, type Standing } from './watch.ts'

/** A chunk has seven holders; with one node more there is somebody to take over. */
export const LEAST_NODES = 8

export interface ChaosOptions {
  /** At least LEAST_NODES. */
  readonly nodes: number
  /** Empty or not there. */
  readonly dataDir: string
  /** Folders and logs stay. */
  readonly keep: boolean
  readonly minutes: number
  /** Per cent of the nodes that are replaced each hour. */
  readonly churn: number
  readonly seed: number
  /** Mean pause between two upheavals. */
  readonly everyMs: number
  /** How long chunks may take to get all copies back in the end. */
  readonly settleMs: number
  readonly logLevel: string
  readonly program: readonly string[]
  readonly profile?: ProfileRequest
  readonly onProgress?: (done: number, total: number) => void
  readonly onNote?: (text: string) => void
}

const VERIFIERS = 2
const ATTEMPT_PAUSE_MS = 2_000

/**
 * A verdict, also of what was seen so far when the signal aborts. Throws DEVNET_FOLDER for a folder with a network, and
 * what `startDevnet` throws. Nothing runs when it is over.
 */
export async function runChaos(
  options: ChaosOptions,
  signal: AbortSignal,
  clock: Clock = systemClock,
): Promise<ChaosVerdict> {
  const folder = new DevnetFolder(options.dataDir)
  if (await folder.state())
    throw new DevnetError(
      'DEVNET_FOLDER',
      `there is a local network in ${folder.path}, and chaos damages the files of its nodes: choose another folder with --data`,
    )
  const { nodes, dataDir, keep, logLevel, program, profile, onProgress } = options
  const given = {
    nodes,
    dataDir,
    keep,
    logLevel,
    program,
    ...(profile && { profile }),
    ...(onProgress && { onProgress }),
  }
  await using network = await startDevnet(
    { ...given, inProcess: false, detached: false, developerFaults: true },
    signal,
    clock,
  )
  // Awaited here: the network stops when this function is left.
  return await new Chaos(network, options, clock).run(signal)
}

class Chaos {
  readonly #network: Devnet
  readonly #options: ChaosOptions
  readonly #clock: Clock
  readonly #nodes: ChaosNodes
  readonly #standing: Standing = { out: new Set(), full: new Set() }
  readonly #repairs = new Repairs()
  readonly #watch: CopiesWatch
  readonly #traffic: Traffic
  readonly #upheavals: Upheavals
  readonly #faults: string[] = []
  readonly #unreadable: string[] = []
  readonly #wrongAtEnd: string[] = []
  readonly #notes: string[] = []
  readonly #began: number

  constructor(network: Devnet, options: ChaosOptions, clock: Clock) {
    this.#network = network
    this.#options = options
    this.#clock = clock
    this.#began = clock.monotonic()
    const nodes = new ChaosNodes(network, options, clock)
    const standing = this.#standing
    const parts = { files: new ChunkFiles(), repairs: this.#repairs, roots: () => nodes.roots, standing }
    const watch = new CopiesWatch(parts, clock)
    const { seed } = options
    const events = {
      confirmed: ({ chunks }: Upload) => watch.add(chunks),
      remark: (sentence: string) => this.#note(`  ${sentence}`),
    }
    this.#traffic = new Traffic(clock, { ...TRAFFIC_DEFAULTS, seed }, events)
    this.#upheavals = new Upheavals({
      ...{ nodes, watch, standing, clock, random: seededRandom(seed + 1) },
      onHappened: (event) => this.#report(event),
      onFault: (sentence) => this.#fault(sentence),
    })
    this.#nodes = nodes
    this.#watch = watch
  }

  async run(signal: AbortSignal): Promise<ChaosVerdict> {
    try {
      if (!signal.aborted) await this.#turmoil(signal)
      if (!signal.aborted) await this.#settle(signal)
      if (!signal.aborted) await this.#verify(signal)
    } catch (error) {
      if (!signal.aborted) throw error
    } finally {
      await this.#nodes.thawAll()
    }
    await this.#watch.look()
    return this.#verdict(signal.aborted)
  }

  async #turmoil(signal: AbortSignal): Promise<void> {
    const { nodes, seed, minutes, everyMs, churn } = this.#options
    const durationMs = minutes * minute
    const request = { nodes, durationMs, everyMs, churn, mostOut: MOST_OUT }
    const plan = planChaos(request, seededRandom(seed))
    if (churn > 0 && replacementsOf(request) === 0)
      this.#notes.push(
        `${churn} % of ${nodes} nodes an hour is less than half a node in ${minutes} min: none is replaced`,
      )
    this.#note(`${nodes} nodes run; ${plan.length} upheavals in ${minutes} min, seed ${seed}`)
    for (const note of this.#notes) this.#note(note)
    const client = await this.#client(signal)
    try {
      await withScope(signal, async (scope) => {
        const failed = (error: unknown) => {
          scope.abort(error)
          throw error
        }
        const work = [
          this.#traffic.run(client.client, scope.signal),
          this.#watch.run(scope.signal, () => this.#reviveCrashed(scope.signal)),
          this.#upheavals
            .run(plan, scope.signal)
            .then(() => this.#clock.sleep(Math.max(0, durationMs - this.#elapsed()), scope.signal))
            .catch((error) => {
              if (!scope.signal.aborted) throw error
            })
            .then(() => scope.abort()),
        ]
        await Promise.allSettled(work.map((part) => part.catch(failed)))
        for (const part of work) await part
      })
    } finally {
      await client.stop()
    }
  }

  /** Until every chunk has its copies, or the time is up. */
  async #settle(signal: AbortSignal): Promise<void> {
    this.#note('everybody is back; chunks get their copies')
    const deadline = this.#clock.monotonic() + this.#options.settleMs
    await withScope(signal, (scope) =>
      this.#watch.run(scope.signal, async () => {
        await this.#reviveCrashed(scope.signal)
        const now = this.#clock.monotonic()
        if (now >= deadline || this.#repairs.figures(now).below === 0) scope.abort()
      }),
    )
  }

  /** Every upload by a client that knows nothing yet. */
  async #verify(signal: AbortSignal): Promise<void> {
    const { confirmed } = this.#traffic
    this.#note(`reading all ${confirmed.length} confirmed uploads`)
    const client = await this.#client(signal)
    try {
      let next = 0
      const lane = async () => {
        while (next < confirmed.length && !signal.aborted)
          await this.#verifyOne(client, confirmed[next++] as Upload, signal)
      }
      await Promise.all(Array.from({ length: VERIFIERS }, lane))
    } finally {
      await client.stop()
    }
  }

  async #verifyOne(client: ClientNode, upload: Upload, signal: AbortSignal): Promise<void> {
    const { wrong, unreadable } = await checkUpload(
      () => this.#traffic.read(client.client, upload, signal),
      () => this.#clock.sleep(ATTEMPT_PAUSE_MS, signal).catch(() => undefined),
      signal,
    )
    const text = `${upload.address} (${upload.bytes} bytes)`
    if (wrong > 0) this.#wrongAtEnd.push(`${text}: ${wrong} times`)
    if (unreadable !== undefined) this.#unreadable.push(`${text}: ${unreadable}`)
  }

  async #reviveCrashed(signal: AbortSignal): Promise<void> {
    for (;;) {
      // Looked for anew each time: one start takes long enough for a plan to go on.
      const slot = this.#nodes.crashed()[0]
      if (slot === undefined || signal.aborted) return
      this.#fault(await lastWords(this.#network.folder.logPath(slot), `node ${slot} ended by itself`))
      this.#standing.out.add(slot)
      try {
        await this.#nodes.revive(slot, signal)
        this.#standing.out.delete(slot)
      } catch (error) {
        if (!signal.aborted) this.#fault(`node ${slot} does not start again: ${messageOf(error)}`)
      }
    }
  }

  async #client(signal: AbortSignal): Promise<ClientNode> {
    const client = await createClientNode({
      seeds: this.#network.nodes.map(({ address }) => parseMultiaddr(address)),
      allowLoopback: true,
      clock: this.#clock,
    })
    try {
      await client.start(signal)
      return client
    } catch (error) {
      await client.stop()
      throw error
    }
  }

  #verdict(interrupted: boolean): ChaosVerdict {
    const { holders } = this.#watch
    const traffic = this.#traffic
    const counts = [...holders.values()].map(({ size }) => size)
    return judge(
      {
        interrupted,
        seed: this.#options.seed,
        nodes: this.#options.nodes,
        elapsed_ms: Math.round(this.#elapsed()),
        uploads_confirmed: traffic.confirmed.length,
        uploads_refused: traffic.refused,
        bytes_confirmed: traffic.bytes,
        chunks_confirmed: holders.size,
        chunks_lost: [...holders].flatMap(([address, { size }]) => (size === 0 ? [address] : [])),
        unreadable: this.#unreadable,
        wrong_at_end: this.#wrongAtEnd,
        notes: this.#notes,
        least_copies: counts.length === 0 ? null : counts.reduce((least, count) => Math.min(least, count)),
        reads: traffic.reads,
        reads_failed: traffic.failedReads,
        reads_wrong: traffic.wrongReads,
        worst_read_ms: Math.round(traffic.worstReadMs),
        worst_upload_ms: Math.round(traffic.worstUploadMs),
        hangs: traffic.hangs,
        faults: this.#faults,
        read_failures: traffic.failures,
        refusals: traffic.refusals,
        upheavals: this.#upheavals.happened,
      },
      this.#repairs.figures(this.#clock.monotonic()),
    )
  }

  #elapsed(): number {
    return this.#clock.monotonic() - this.#began
  }

  #report({ text, outcome, why }: Happened): void {
    this.#note(outcome === 'done' ? text : `${outcome}: ${text}: ${why}`)
  }

  #fault(sentence: string): void {
    this.#faults.push(sentence)
    this.#note(`FAULT: ${sentence}`)
  }

  #note(text: string): void {
    this.#options.onNote?.(`${(this.#elapsed() / 1000).toFixed(1).padStart(7)} s  ${text}`)
  }
}
