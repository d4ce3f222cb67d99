/** How long a datagram travels between two hosts. Pure: dice come in. */
import { type Random, randomBetween } from '../base/index.ts'

export const REGIONS = [
  'europe',
  'north-america-east',
  'north-america-west',
  'asia',
  'south-america',
  'oceania',
] as const
export type Region = (typeof REGIONS)[number]

export interface LatencyModel {
  /** One way, milliseconds, without chance: the same for a pair every time. */
  baseMs(from: Region, to: Region): number
  /** One way, milliseconds, of one datagram. */
  sampleMs(from: Region, to: Region, random: Random): number
}

/** Half of the usual round trips between large data centres, milliseconds, plus 5 for the last mile of both. */
const ONE_WAY: readonly (readonly number[])[] = [
  [12, 45, 72, 105, 100, 140],
  [45, 15, 35, 100, 62, 102],
  [72, 35, 12, 60, 90, 72],
  [105, 100, 60, 30, 150, 60],
  [100, 62, 90, 150, 18, 155],
  [140, 102, 72, 60, 155, 15],
]

const BETWEEN = Object.fromEntries(
  REGIONS.map((from, i) => [from, Object.fromEntries(REGIONS.map((to, j) => [to, ONE_WAY[i]?.[j]]))]),
) as Readonly<Record<Region, Readonly<Record<Region, number>>>>

/** Six regions; jitter adds up to a tenth. */
export const regionLatency: LatencyModel = withJitter((from, to) => BETWEEN[from][to], 0.1)

/** Every path alike; `jitter` is the largest share added by chance. */
export function uniformLatency(ms: number, jitter = 0): LatencyModel {
  return withJitter(() => ms, jitter)
}

function withJitter(baseMs: (from: Region, to: Region) => number, jitter: number): LatencyModel {
  return {
    baseMs,
    sampleMs: (from, to, random) => baseMs(from, to) * randomBetween(random, 1, 1 + jitter),
  }
}

/**
 * Extra milliseconds because packets of a message were lost: one round trip and a probe timeout for the first loss,
 * doubling while retransmissions are lost as well (RFC 9002, 6.2).
 */
export function lossDelayMs(options: { bytes: number; packetLoss: number; rttMs: number; random: Random }): number {
  const { bytes, packetLoss, rttMs, random } = options
  if (packetLoss <= 0) return 0
  let packets = Math.ceil(bytes / 1200) + 1
  let wait = rttMs + 25
  let delay = 0
  for (let round = 0; round < 8; round++) {
    const someLost = 1 - (1 - packetLoss) ** packets
    if (random.float() >= someLost) break
    delay += wait
    wait *= 2
    packets = Math.max(1, Math.round(packets * packetLoss))
  }
  return delay
}
