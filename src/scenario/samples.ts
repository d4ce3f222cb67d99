/** What a run was seen to be: the figures of one instant, and what is counted over all. */

/** Bytes that left the nodes since the network stood, by what for. */
export interface Traffic {
  /** Chunks to neighbours that lack them. */
  readonly repairBytes: number
  /** Fresh chunks to their group. */
  readonly freshBytes: number
  /** The rest of replication and audits: hints, verification, proofs. */
  readonly talkBytes: number
  /** Lookups and joins. */
  readonly dhtBytes: number
  /** Between clients and nodes. */
  readonly clientBytes: number
  readonly messages: number
}

/** Right copies of each chunk on live honest nodes. */
export interface Copies {
  readonly fewest: number
  readonly p10: number
  readonly median: number
  readonly most: number
  /** Chunks without any. */
  readonly lost: number
}

export interface Tally {
  /** Counted when asked; what a machine asked that died before the answer is left out. */
  readonly tried: number
  readonly succeeded: number
  /** Asked and not answered yet; in the last sample of a run: never answered, and failed. */
  readonly open: number
}

export interface Trust {
  /** Means of what honest nodes think, 0..1; NaN when nobody thinks anything. */
  readonly ofHonest: number
  /** Honest, with a full disk: they fail the checks of what they could not take, and are displaced (replication.md 30). */
  readonly ofFull: number
  readonly ofLiars: number
}

export interface Sample {
  /** Virtual milliseconds since the network stood. */
  readonly at: number
  readonly live: number
  readonly copies: Copies
  readonly traffic: Traffic
  readonly gets: Tally
  readonly puts: Tally
  readonly lookups: Tally
  readonly trust: Trust
  /** Keys that wait for verification or are fetched, of all nodes and of the busiest. */
  readonly queued: number
  readonly queuedMost: number
}

/** What the machine gave for it; no part of what must be the same for a seed. */
export interface Cost {
  readonly at: number
  readonly rssBytes: number
  readonly realMs: number
}

/** How many an event, or a setting of the beginning, struck in fact; null: the run ended before. */
export interface Struck {
  readonly what: string
  readonly count: number | null
  readonly unit: 'node' | 'copy' | 'pair of nodes'
}

/** `counts` ascending: as many entries as chunks. */
export function copiesOf(counts: Uint16Array): Copies {
  const sorted = counts.toSorted()
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0
  const firstHeld = sorted.findIndex((count) => count > 0)
  return {
    ...{ fewest: sorted[0] ?? 0, p10: at(0.1), median: at(0.5), most: sorted.at(-1) ?? 0 },
    lost: firstHeld < 0 ? sorted.length : firstHeld,
  }
}

export function shareOf({ tried, succeeded }: Omit<Tally, 'open'>): number {
  return tried === 0 ? Number.NaN : succeeded / tried
}
