/** A network is ready when it accepts a put: nothing less is a promise to a user. */
import { type Clock, CodedError, messageOf, systemRandom } from '../base/index.ts'
import { createClientNode } from '../node/index.ts'
import { parseMultiaddr } from '../protocol/index.ts'
import { DevnetError } from './errors.ts'

const LIMIT_MS = 60_000
const PAUSE_MS = 100
const PROBE_BYTES = 1024

/** Puts a small random chunk through a client of its own until a put succeeds, one minute at most. */
export async function waitUntilAccepting(
  addresses: readonly string[],
  signal: AbortSignal,
  clock: Clock,
): Promise<void> {
  const node = await createClientNode({
    seeds: addresses.map((text) => parseMultiaddr(text)),
    allowLoopback: true,
    clock,
  })
  const deadline = clock.monotonic() + LIMIT_MS
  let last: unknown
  try {
    await node.start(signal)
    while (clock.monotonic() < deadline) {
      try {
        await node.client.putChunk(systemRandom.bytes(PROBE_BYTES), { signal })
        return
      } catch (error) {
        signal.throwIfAborted()
        if (!(error instanceof CodedError)) throw error
        last = error
      }
      await clock.sleep(PAUSE_MS, signal)
    }
  } finally {
    await node.stop()
  }
  throw new DevnetError(
    'DEVNET_NOT_READY',
    `the network accepted no put within ${LIMIT_MS / 1000} s: ${messageOf(last)}`,
    { cause: last },
  )
}
