/** Small parts of byte streams. */
import { concat } from '../base/index.ts'

/** The first bytes of a stream, and the whole of it. */
export async function peek(
  stream: AsyncGenerator<Uint8Array>,
  count: number,
): Promise<{ head: Uint8Array; content: AsyncGenerator<Uint8Array> }> {
  const parts: Uint8Array[] = []
  let have = 0
  while (have < count) {
    const next = await stream.next()
    if (next.done) break
    parts.push(next.value)
    have += next.value.length
  }
  async function* all(): AsyncGenerator<Uint8Array> {
    yield* parts.splice(0)
    yield* stream
  }
  return { head: concat(parts.map((part) => part.subarray(0, count))).subarray(0, count), content: all() }
}

export async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes
}
