/** Where plain bytes come from: a size known before the first byte, read strictly forward, each byte once. */
import { assert, type Bytes } from '../base/index.ts'
import { SelfEncryptionError } from './errors.ts'
import { type ChunkPlan, chunkOffset, chunkSize } from './plan.ts'

export interface ByteSource {
  /** Bytes in all. */
  readonly size: number
  /**
   * At most `length` bytes from `offset`; fewer are fine, none means the end. Offsets only rise, and one read is under
   * way at a time, so that a stream can serve. The result is given away: it may be moved to another thread.
   */
  read(offset: number, length: number, signal: AbortSignal): Promise<Uint8Array>
}

/** The bytes are borrowed: every read is a copy. */
export function sourceFromBytes(bytes: Uint8Array): ByteSource {
  return {
    size: bytes.length,
    read: async (offset, length) => Uint8Array.from(bytes.subarray(offset, offset + length)),
  }
}

/** A stream of known size. Its parts are borrowed until the next one is asked for. */
export function sourceFromStream(size: number, stream: AsyncIterable<Uint8Array>): ByteSource {
  const parts = stream[Symbol.asyncIterator]()
  let [rest, at]: [Uint8Array, number] = [new Uint8Array(0), 0]
  return {
    size,
    async read(offset, length, signal) {
      assert(offset === at, `a stream cannot be read at ${offset}: it stands at ${at}`)
      while (rest.length === 0) {
        signal.throwIfAborted()
        const next = await parts.next()
        if (next.done) return new Uint8Array(0)
        rest = next.value
      }
      const bytes = Uint8Array.from(rest.subarray(0, length))
      rest = rest.subarray(bytes.length)
      at += bytes.length
      return bytes
    },
  }
}

/**
 * The pieces of the plan in order; the next one is read while the caller works on this one. Throws SOURCE_SHORT and
 * SOURCE_LONG when the source does not have exactly the announced size.
 */
export async function* readPieces(source: ByteSource, plan: ChunkPlan, signal: AbortSignal): AsyncGenerator<Bytes> {
  const read = (index: number) => {
    const ahead = index < plan.count ? readPiece(source, plan, index, signal) : readEnd(source, plan, signal)
    ahead.catch(() => undefined)
    return ahead
  }
  let next = read(0)
  try {
    for (let index = 0; index < plan.count; index++) {
      const piece = await next
      next = read(index + 1)
      yield piece
    }
    await next
  } finally {
    await next.catch(() => undefined)
  }
}

async function readPiece(source: ByteSource, plan: ChunkPlan, index: number, signal: AbortSignal): Promise<Bytes> {
  const [start, length] = [chunkOffset(plan, index), chunkSize(plan, index)]
  const first = await readSome(source, start, length, signal)
  if (first.length === length) return first
  const piece = new Uint8Array(length)
  piece.set(first)
  for (let filled = first.length; filled < length; ) {
    const part = await readSome(source, start + filled, length - filled, signal)
    piece.set(part, filled)
    filled += part.length
  }
  return piece
}

async function readSome(source: ByteSource, offset: number, length: number, signal: AbortSignal): Promise<Bytes> {
  signal.throwIfAborted()
  const part = await source.read(offset, length, signal)
  if (part.length === 0) {
    const message = `the source ended at ${offset} of ${source.size} announced bytes`
    throw new SelfEncryptionError('SELF_ENCRYPTION_SOURCE_SHORT', message, { data: { offset, size: source.size } })
  }
  assert(part.length <= length, `a source gave ${part.length} bytes where ${length} were asked for`)
  return part as Bytes
}

async function readEnd(source: ByteSource, plan: ChunkPlan, signal: AbortSignal): Promise<Bytes> {
  const more = await source.read(plan.size, 1, signal)
  if (more.length === 0) return more as Bytes
  const message = `the source has more than its ${plan.size} announced bytes`
  throw new SelfEncryptionError('SELF_ENCRYPTION_SOURCE_LONG', message, { data: { size: plan.size } })
}
