/** What a run of the replication test left behind, as numbers: read from logs, stores and metrics in its folder. */
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type ChunkAddress, compareDistance, keyOf, type PeerId } from '../../src/protocol/index.ts'

const STORAGE_WIDTH = 9
const CLOSE_GROUP = 7
const NEUTRAL = 0.5

export interface PlacedChunks {
  /** Had by stock nodes at the start. */
  readonly shared: readonly ChunkAddress[]
  /** Had by one node of ours alone. */
  readonly ours: readonly ChunkAddress[]
}

export interface OurReport {
  readonly peer: PeerId
  readonly responsible: number
  readonly missing: readonly ChunkAddress[]
  readonly syncsAsked: string
  readonly syncsAnswered: number
  readonly verificationsAnswered: number
  readonly chunksFetched: number
  readonly chunksServed: number
  /** Audits of ours by kind and outcome. */
  readonly audits: string
  readonly failedAudits: number
  readonly undecodable: number
}

/** What a stock node says about one of ours. */
export interface Opinion {
  readonly ours: PeerId
  readonly trustAtStart: number
  readonly lowestTrust: number
  /** In its `close_group_cache.json`; undefined when it is not listed. */
  readonly trustAtEnd: number | undefined
  /** Its audits of ours: outcome -> how often. */
  readonly audits: Readonly<Record<string, number>>
  /** Requests to ours that got no answer, and whatever else it complains about. */
  readonly complaints: readonly string[]
}

export interface StockReport {
  readonly index: number
  readonly peer: PeerId
  /** Chunks of ours that it is in the close group of, and those of them that it lacks. */
  readonly responsible: number
  readonly missing: readonly ChunkAddress[]
  readonly decodeErrors: number
  readonly rejectedFrames: number
  readonly opinions: readonly Opinion[]
}

export interface Report {
  readonly ours: readonly OurReport[]
  readonly stock: readonly StockReport[]
}

const AUDIT_OUTCOMES: readonly (readonly [string, RegExp])[] = [
  ['commitment passed', /passed subtree audit/],
  ['passed', /Audit passed for/],
  ['bootstrapping', /claims bootstrapping/],
  ['timeout', /Audit timeout for/],
  [
    'failed',
    /Audit failure for(?!.*reason=Timeout)|failed subtree audit|rejected by|mismatch|malformed|unexpected response/i,
  ],
]

/** `folder` has `stock-N`, `ours-N` and `metrics-N.txt`. */
export async function reportOf(folder: string, placed: PlacedChunks): Promise<Report> {
  const names = (await readdir(folder)).sort()
  const folders = (kind: string) =>
    names.filter((name) => name.startsWith(`${kind}-`)).map((name) => join(folder, name))
  const stock = await Promise.all(folders('stock').map(readStock))
  const ours = await Promise.all(folders('ours').map(readOurs))
  const peers = [...stock, ...ours].map(({ peer }) => peer)
  const near = (key: ChunkAddress, peer: PeerId, width: number) =>
    peers.toSorted((a, b) => compareDistance(keyOf(key), keyOf(a), keyOf(b))).indexOf(peer) < width
  const all = [...placed.shared, ...placed.ours]
  return {
    ours: await Promise.all(
      ours.map(async (one, index) => {
        const responsible = all.filter((key) => near(key, one.peer, STORAGE_WIDTH))
        const metrics = await readFile(join(folder, `metrics-${index}.txt`), 'utf8')
        return { ...ourNumbers(metrics), ...gapsOf(one, responsible) }
      }),
    ),
    stock: stock.map((one, index) => {
      const responsible = placed.ours.filter((key) => near(key, one.peer, CLOSE_GROUP))
      return {
        index,
        ...gapsOf(one, responsible),
        ...faultsOf(one.log),
        opinions: ours.map(({ peer }) => opinionOf(one, peer)),
      }
    }),
  }
}

/** The report for people. */
export function tableOf({ ours, stock }: Report): string {
  const lines = ours.map(
    (one) =>
      `ours ${one.peer.slice(0, 8)}: holds ${one.responsible - one.missing.length} of ${one.responsible} it is responsible for; fetched ${one.chunksFetched}, served ${one.chunksServed}; syncs asked ${one.syncsAsked}, answered ${one.syncsAnswered}; verifications answered ${one.verificationsAnswered}; its audits ${one.audits || 'none'}; undecodable ${one.undecodable}`,
  )
  for (const one of stock) {
    lines.push(
      `stock ${one.index} ${one.peer.slice(0, 8)}: holds ${one.responsible - one.missing.length} of ${one.responsible} of ours; decode errors ${one.decodeErrors}, rejected frames ${one.rejectedFrames}`,
    )
    for (const { ours: peer, trustAtStart, lowestTrust, trustAtEnd, audits, complaints } of one.opinions) {
      const outcomes = Object.entries(audits).map(([outcome, count]) => `${outcome} ${count}`)
      lines.push(
        `  of ${peer.slice(0, 8)}: trust ${trustAtStart.toFixed(3)} -> ${trustAtEnd?.toFixed(3) ?? 'not listed'}, lowest ${lowestTrust.toFixed(3)}; audits ${outcomes.join(', ') || 'none'}${complaints.map((line) => `\n    ! ${line}`).join('')}`,
      )
    }
  }
  return lines.join('\n')
}

export async function heldIn(rootDir: string): Promise<Set<ChunkAddress>> {
  const names = await readdir(join(rootDir, 'chunks'), { recursive: true }).catch(() => [])
  return new Set(
    names.map((name) => name.slice(-64)).filter((name): name is ChunkAddress => /^[0-9a-f]{64}$/.test(name)),
  )
}

/** Sum of the series of a counter that have all these labels. */
export function counter(metrics: string, name: string, labels: Readonly<Record<string, string>> = {}): number {
  const wanted = Object.entries(labels).map(([label, value]) => `${label}="${value}"`)
  return seriesOf(metrics, name)
    .filter(({ labels: has }) => wanted.every((label) => has.includes(label)))
    .reduce((sum, { value }) => sum + value, 0)
}

interface Left {
  readonly peer: PeerId
  readonly held: ReadonlySet<ChunkAddress>
  readonly log: readonly string[]
  readonly rootDir: string
  readonly cache: readonly { readonly peer_id: string; readonly trust: { readonly score: number } }[]
}

async function readStock(rootDir: string): Promise<Left> {
  const logs = join(rootDir, 'log')
  const texts = await Promise.all((await readdir(logs)).sort().map((name) => readFile(join(logs, name), 'utf8')))
  const log = texts.join('').split('\n')
  const cache = await readFile(join(rootDir, 'close_group_cache.json'), 'utf8').catch(() => '{"peers":[]}')
  const { peers } = JSON.parse(cache) as { peers: Left['cache'] }
  return {
    ...{ rootDir, log, cache: peers },
    peer: idIn(log, /Node identity resolved peer_id=([0-9a-f]{64})/),
    held: await heldIn(rootDir),
  }
}

async function readOurs(rootDir: string): Promise<Left> {
  const log = (await readFile(join(rootDir, 'node.log'), 'utf8')).split('\n')
  return {
    ...{ rootDir, log, cache: [] },
    peer: idIn(log, /node started peer=([0-9a-f]{64})/),
    held: await heldIn(rootDir),
  }
}

function idIn(log: readonly string[], pattern: RegExp): PeerId {
  for (const line of log) {
    const id = pattern.exec(line)?.[1]
    if (id) return id as PeerId
  }
  throw new Error(`no line like ${pattern}`)
}

function gapsOf({ peer, held }: Left, responsible: readonly ChunkAddress[]) {
  return { peer, responsible: responsible.length, missing: responsible.filter((key) => !held.has(key)) }
}

function ourNumbers(metrics: string): Omit<OurReport, 'peer' | 'responsible' | 'missing'> {
  const requests = (kind: string) =>
    counter(metrics, 'myrmex_replication_requests_total', { kind, outcome: 'answered' })
  const challenges = seriesOf(metrics, 'myrmex_replication_challenges_total')
  const harmless = /outcome="(pass|idle|bootstrapping|silent|timeout)"/
  return {
    syncsAsked: shown(seriesOf(metrics, 'myrmex_replication_syncs_total')),
    syncsAnswered: requests('neighborSyncRequest'),
    verificationsAnswered: requests('verificationRequest'),
    chunksFetched: counter(metrics, 'myrmex_replication_fetches_total', { outcome: 'stored' }),
    chunksServed: requests('fetchRequest'),
    audits: shown(challenges),
    failedAudits: challenges.filter(({ labels }) => !harmless.test(labels)).reduce((sum, { value }) => sum + value, 0),
    undecodable: counter(metrics, 'myrmex_replication_requests_total', { outcome: 'undecodable' }),
  }
}

function seriesOf(metrics: string, name: string): { labels: string; value: number }[] {
  return metrics
    .split('\n')
    .filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `))
    .map((line) => ({ labels: line.slice(name.length, line.lastIndexOf(' ')), value: Number(line.split(' ').at(-1)) }))
}

function shown(series: readonly { labels: string; value: number }[]): string {
  return series
    .map(({ labels, value }) => `${[...labels.matchAll(/"([^"]*)"/g)].map(([, text]) => text).join(' ')} ${value}`)
    .join(', ')
}

function faultsOf(log: readonly string[]) {
  const traffic = log.findLast((line) => line.includes('wire traffic summary')) ?? ''
  return {
    decodeErrors: log.filter((line) => /decode error|Dropping replication body|failed to decode/i.test(line)).length,
    rejectedFrames: Number(/wire_rejected_rx_count=(\d+)/.exec(traffic)?.[1] ?? 0),
  }
}

function opinionOf({ log, cache }: Left, ours: PeerId): Opinion {
  const lines = log.filter((line) => line.includes(ours))
  const audits: Record<string, number> = {}
  for (const line of lines.filter((each) => /Audit[ :]/.test(each))) {
    const outcome = AUDIT_OUTCOMES.find(([, pattern]) => pattern.test(line))?.[0]
    if (outcome) audits[outcome] = (audits[outcome] ?? 0) + 1
  }
  const scores = lines.flatMap((line) => {
    const found = /previous_score=([\d.]+) current_score=([\d.]+)/.exec(line)
    return found ? [Number(found[1]), Number(found[2])] : []
  })
  const complaints = lines.filter((line) =>
    /trust score changed.*delta=-|request to .* failed|Sync with .* failed|dropped at admission|decode error/i.test(
      line,
    ),
  )
  return {
    ours,
    trustAtStart: scores[0] ?? NEUTRAL,
    lowestTrust: Math.min(NEUTRAL, ...scores),
    trustAtEnd: cache.find(({ peer_id }) => peer_id === ours)?.trust.score,
    audits,
    complaints: complaints.map((line) => line.slice(0, 300)),
  }
}
