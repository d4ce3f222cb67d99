/** The numbers of the network (dht.md 8), and the silence of ours. */
import type { LookupOptions } from '../../../../src/dht/lookup.ts'

export const LOOKUP_OPTIONS: LookupOptions = Object.freeze({
  ...{ count: 7, alpha: 3, maxRounds: 20, maxCandidates: 200, answerLimit: 20 },
  ...{ graceMs: 5000, silentMs: 10_000, deadlineMs: 120_000 },
})
