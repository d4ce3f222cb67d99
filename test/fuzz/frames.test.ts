/**
 * replication.md 28.4: a million frames as a peer may send them, to the decoder that every one of them meets. None may
 * end it, and what it allocates is bounded by what came, not by what the frame says. MYRMEX_FUZZ_FRAMES for fewer.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { getHeapStatistics } from 'node:v8'
import { type Bytes, KiB, randomBelow, seededRandom, toHex } from '../../src/base/index.ts'
import { decodeReplicationMessage, ProtocolError, Writer } from '../../src/protocol/index.ts'
import { HOSTILE_VARINTS, hostileEncoding } from './hostile-input.ts'
import { PROTOCOL_TARGETS } from './targets/protocol.ts'
import { SEED } from './targets/run.ts'

const FRAMES = Number(process.env['MYRMEX_FUZZ_FRAMES'] ?? 1_000_000)
const BATCH = 1000
const VARIANTS = 23
/** A key of 32 bytes becomes a text of 64 letters in an object, a refusal is an error with its stack. */
const BYTES_PER_BYTE = 64
const BYTES_PER_FRAME = 2 * KiB

const random = seededRandom(SEED)
const corpus = PROTOCOL_TARGETS.find(({ name }) => name === 'ReplicationMessage')?.corpus ?? []
const small = corpus.filter(({ length }) => length < 2 * KiB)

/** Random bytes behind a head that a decoder believes, a count that lies behind such a head, or damaged real ones. */
function frame(): Bytes {
  const dice = randomBelow(random, 10)
  if (dice < 3) return random.bytes(randomBelow(random, 200))
  const head = new Writer(300).uint(randomBelow(random, 300)).uint(randomBelow(random, VARIANTS + 1))
  if (dice < 6) return head.raw(random.bytes(randomBelow(random, 200))).finish()
  if (dice < 8) {
    head.raw(random.bytes(randomBelow(random, 40)))
    head.raw(HOSTILE_VARINTS[randomBelow(random, HOSTILE_VARINTS.length)] as Bytes)
    return head.raw(random.bytes(randomBelow(random, 40))).finish()
  }
  const pick = () => small[randomBelow(random, small.length)] as Uint8Array
  return hostileEncoding(random, pick(), pick())
}

function decodes(bytes: Bytes): boolean {
  try {
    decodeReplicationMessage(bytes)
    return true
  } catch (error) {
    if (error instanceof ProtocolError) return false
    throw new Error(`not a ProtocolError: seed ${SEED}, ${toHex(bytes)}`, { cause: error })
  }
}

test(`28.4 decoder fuzz: ${FRAMES} random frames, no crash, allocation bounded by input size`, () => {
  let decoded = 0
  // The first frames are compiled for, which is allocation too.
  for (let warm = 0; warm < BATCH; warm++) decodes(frame())
  for (let done = 0; done < FRAMES; done += BATCH) {
    const frames = Array.from({ length: Math.min(BATCH, FRAMES - done) }, frame)
    const came = frames.reduce((sum, { length }) => sum + length, 0)
    const heap = getHeapStatistics().total_allocated_bytes
    const { arrayBuffers } = process.memoryUsage()
    for (const bytes of frames) if (decodes(bytes)) decoded++
    const took = getHeapStatistics().total_allocated_bytes - heap + process.memoryUsage().arrayBuffers - arrayBuffers
    const most = came * BYTES_PER_BYTE + frames.length * BYTES_PER_FRAME
    assert.ok(took < most, `seed ${SEED}, frames from ${done}: ${took} bytes for ${came} that came`)
  }
  assert.ok(decoded > FRAMES / 50 && decoded < FRAMES / 2, `${decoded} of ${FRAMES} frames made sense`)
})

test('28.4 decoder fuzz: the bound is not for nothing, an array of the size a count claims would pass it', () => {
  const before = getHeapStatistics().total_allocated_bytes
  const believed = Array.from({ length: BATCH }, (_, i) => (i % 100 === 0 ? new Array(10_000_000 / 8).fill(i) : i))
  assert.ok(getHeapStatistics().total_allocated_bytes - before > BATCH * (BYTES_PER_FRAME + 200 * BYTES_PER_BYTE))
  assert.equal(believed.length, BATCH)
})
