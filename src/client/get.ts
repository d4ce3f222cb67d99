/** The get walk: how one chunk comes back. docs/walks/get.md tells it with the same step numbers. */
import type { ChunkAddress } from '../protocol/index.ts'
import { short } from '../protocol/index.ts'
import { type ClientError, clientError } from './errors.ts'
import type { FetchCounts, FetchOptions } from './fetch-chunk.ts'
import { type FetchRunnerDeps, type ReadMemory, runSweep } from './fetch-runner.ts'

export type GetDeps = FetchRunnerDeps

export interface GetOptions extends FetchOptions {
  readonly sweeps: number
  readonly sweepDelayMs: number
}

/**
 * The bytes of a chunk, fresh, checked against the address. Throws ClientError CLIENT_NOT_FOUND (enough peers were
 * asked and all said so), CLIENT_CORRUPT, CLIENT_INSUFFICIENT_PEERS, or the signal's reason.
 */
export async function getChunk(
  deps: GetDeps,
  options: GetOptions,
  address: ChunkAddress,
  { signal }: { signal: AbortSignal },
): Promise<Uint8Array> {
  const memory: ReadMemory = { liars: new Set(), heard: new Map() }
  const { liars } = memory
  for (let sweep = 1; ; sweep++) {
    // 1. Look up who is near the address, and 2. ask the nearest while the lookup still runs; 3. every answer is
    //    checked by its hash, a wrong one never leaves this walk.
    const end = await runSweep(deps, options, address, memory, { signal })
    if (end.kind === 'found') return end.content
    // 4. "Not found" is believed when all of at least 4 peers (or all that live) say so and most of the nearest live.
    if (end.kind === 'notFound' && liars.size === 0) throw notFound(address, end.counts)
    // 5. Otherwise somebody did not answer or lied: one more sweep with a fresh lookup, then give up.
    if (sweep >= options.sweeps) throw inconclusive(address, end.counts, liars.size)
    await deps.clock.sleep(options.sweepDelayMs, signal)
  }
}

function notFound(address: ChunkAddress, { asked, notFound }: FetchCounts): ClientError {
  const message = `nothing is stored at ${address}: ${notFound} peers near it were asked and none has it`
  return clientError('CLIENT_NOT_FOUND', message, { address, asked, notFound })
}

function inconclusive(address: ChunkAddress, counts: FetchCounts, liars: number): ClientError {
  const { asked, notFound, failed } = counts
  const data = { address, asked, notFound, failed, corrupt: liars }
  const name = short(address)
  if (asked === 0 && liars === 0) {
    const message = `no peer could be asked for chunk ${name}: check the network connection and the bootstrap peers`
    return clientError('CLIENT_INSUFFICIENT_PEERS', message, data)
  }
  const said = `${notFound} do not have it, ${failed} gave no answer, ${liars} sent wrong bytes`
  return liars > 0
    ? clientError('CLIENT_CORRUPT', `no intact copy of chunk ${address} was offered: ${said}`, data)
    : clientError('CLIENT_INSUFFICIENT_PEERS', `chunk ${address} could not be read: ${said}`, data)
}
