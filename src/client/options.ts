/** Numbers of the client that may differ between runs. What all peers must agree on is in protocol/constants.ts. */
import { MiB, minute, second } from '../base/index.ts'

export interface ClientOptions {
  /** Peers and list length of the witnessed lookup before a put (client.md 9). */
  readonly closeGroupWidth: number
  /** Width of the second try when fewer peers answer. */
  readonly closeGroupFallbackWidth: number
  /** How long a width that worked after a fallback is tried first. */
  readonly groupMemoryMs: number
  /** Wait for the answer after the message was delivered. */
  readonly responseTimeoutMs: number
  /** Limit for connecting and delivering one message. */
  readonly sendTimeoutMs: number
  /** Pauses before the put walk is walked again. */
  readonly putRetryDelaysMs: readonly number[]
  /** A peer is late to answer a put after this and `putLateFactor` times what the quickest one took. */
  readonly putLateMs: number
  /** It is late to take the chunk after this and as often what the slowest of two others or more took. */
  readonly putStuckMs: number
  readonly putLateFactor: number
  /** A second GET goes out when the first has not answered after this. */
  readonly hedgeAfterMs: number
  /** GETs of one chunk in flight. */
  readonly getsInFlight: number
  /** Early GETs while the lookup runs: freely, and at most when the asked peer is among the nearest known. */
  readonly earlyGets: number
  readonly earlyGetsMax: number
  /** Peers asked beside the closest list once the lookup has ended. */
  readonly alternates: number
  /** Pause before the second sweep over the peers. */
  readonly sweepDelayMs: number
  /** Sweeps over the peers before a read gives up. */
  readonly sweeps: number
  /** Pauses before a missing chunk of a file is read again. */
  readonly fetchRetryDelaysMs: readonly number[]
  /** How long a peer that kept a read or a put waiting is asked after the others. */
  readonly suspectMs: number
  /** Requests awaiting an answer. */
  readonly maxPendingRequests: number
  /** Small chunks stored at once. */
  readonly storeConcurrency: number
  /** Bytes of chunks stored at once. */
  readonly storeBudgetBytes: number
  /** Small chunks fetched at once. */
  readonly fetchConcurrency: number
  /** Bytes of chunks fetched at once, and ahead of whoever reads a file. */
  readonly fetchBudgetBytes: number
  /** Bytes of encrypted chunks held by an upload, those that are being stored too. */
  readonly uploadBudgetBytes: number
  /** Chunks of one file that are sealed at once or wait to be taken by the upload. */
  readonly sealConcurrency: number
  /** Bytes of files in work by a directory upload or download. */
  readonly filesBudgetBytes: number
  /** Files of a directory in work. */
  readonly filesConcurrency: number
  /** An upload stops after so many failed chunks with no success between. */
  readonly failuresInARow: number
}

export const CLIENT_DEFAULTS: ClientOptions = Object.freeze({
  closeGroupWidth: 20, // client.md 9
  closeGroupFallbackWidth: 7, // client.md 9: the close group itself
  groupMemoryMs: minute, // saves one failed lookup a chunk on small networks; a guess
  responseTimeoutMs: 10 * second, // client.md 10
  sendTimeoutMs: 10 * minute, // 20 MiB in four copies at 140 kB/s; a minute made every put fail below 1.4 MB/s
  putRetryDelaysMs: Object.freeze([500, 1000, 2000]), // client.md 10
  putLateMs: 2 * second, // ours
  putStuckMs: 10 * second, // ours: the transport tells of a dead peer after 30 s, and of one that takes drops never
  putLateFactor: 4, // ours, not measured: a Raspberry Pi among servers
  hedgeAfterMs: second, // client.md 11
  getsInFlight: 2, // client.md 11
  earlyGets: 20, // client.md 11
  earlyGetsMax: 40, // client.md 11
  alternates: 20, // client.md 11
  sweepDelayMs: second, // client.md 11
  sweeps: 2, // client.md 11: the whole sweep once more
  fetchRetryDelaysMs: Object.freeze([second, 5 * second]), // a chunk of a file should be there: outlast a restart
  suspectMs: 30 * second, // an idle connection to a dead peer is noticed after 30 s
  maxPendingRequests: 1024, // storeConcurrency × (4 + 4 that are late) + fetchConcurrency × 2, thrice
  storeConcurrency: 32, // a small chunk waits for round trips, not for bytes
  storeBudgetBytes: 20 * MiB, // five full chunks, each in memory twice: chunk and envelope. 16 MiB: a third slower; 24: 10 MiB more
  fetchConcurrency: 32, // as for stores
  fetchBudgetBytes: 16 * MiB, // four full chunks, encrypted or plain, hide an 80 ms round trip at 200 MB/s
  uploadBudgetBytes: 28 * MiB, // what is being stored and two chunks behind it
  sealConcurrency: 2, // one core seals several times what a line takes in four copies; one waits for the budget
  filesBudgetBytes: 32 * MiB, // one large file at a time, many small ones
  filesConcurrency: 16, // hides the round trips of small files; not measured
  failuresInARow: 8, // a network that is gone should not cost one retry round a chunk
})
