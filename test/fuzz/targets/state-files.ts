/** Files that a node finds in its folder after a crash, an upgrade or a helping hand. */
import assert from 'node:assert/strict'
import { atOnce, fromUtf8, hour, seededRandom, utf8 } from '../../../src/base/index.ts'
import { backend } from '../../../src/crypto/index.ts'
import {
  formatCloseGroupCache,
  formatRoutingSnapshot,
  parseCloseGroupCache,
  parseRoutingSnapshot,
} from '../../../src/dht/peer-cache.ts'
import {
  chunkAddressOf,
  type PeerId,
  parseMultiaddr,
  peerIdOf,
  type TypedAddress,
} from '../../../src/protocol/index.ts'
import { decodeMemory, encodeMemory, type Remembered } from '../../../src/replication/memory/memory-codec.ts'
import { encodeLayout, layoutFault } from '../../../src/storage/layout.ts'
import { decodeTimers, encodeTimers, OutOfRangeTimers } from '../../../src/storage/out-of-range-timers.ts'
import { decodeCursor, encodeCursor, type ScrubCursor } from '../../../src/storage/scrub-cursor.ts'
import type { FuzzTarget } from './target.ts'

const MAX_TIMERS = 50
const NOW = 1_800_000_000_000
const AT = { wall: NOW, monotonic: 1000 }
const random = seededRandom(77)
const digest = (bytes: Uint8Array): Uint8Array => backend().blake3(bytes)

function timersFile(records: number, paid: number): Uint8Array {
  const timers = new OutOfRangeTimers(MAX_TIMERS)
  for (let i = 0; i < records; i++) timers.out('record', chunkAddressOf(random.bytes(32)), i)
  for (let i = 0; i < paid; i++) timers.out('paid', chunkAddressOf(random.bytes(32)), i)
  return atOnce(encodeTimers(timers, AT, digest))
}

function readTimers(bytes: Uint8Array, check: typeof digest): OutOfRangeTimers {
  const into = new OutOfRangeTimers(MAX_TIMERS)
  decodeTimers(bytes, into, { ...AT, maxGapMs: hour }, check)
  for (const kind of ['record', 'paid'] as const) {
    assert.ok(into.size(kind) <= MAX_TIMERS)
    for (const [, age] of into.entries(kind, AT.monotonic)) assert.ok(age >= 0 && age <= 2 ** 32 * 1000 + hour)
  }
  return into
}

export const STORAGE_TARGETS: readonly FuzzTarget[] = [
  {
    name: 'out_of_range.bin',
    covers: ['decodeTimers'],
    corpus: [timersFile(0, 0), timersFile(3, 2), timersFile(MAX_TIMERS, MAX_TIMERS)],
    decode: (bytes) => readTimers(bytes, digest),
    encode: (timers: OutOfRangeTimers) => atOnce(encodeTimers(timers, AT, digest)),
  },
  {
    name: 'out_of_range.bin with a checksum that always fits',
    covers: [],
    corpus: [timersFile(3, 2), timersFile(MAX_TIMERS, MAX_TIMERS)],
    // The last 32 bytes stand for the checksum of whatever came before them.
    decode: (bytes) => readTimers(bytes, () => bytes.subarray(Math.max(0, bytes.length - 32))),
  },
  {
    name: 'scrub_cursor.json',
    covers: ['decodeCursor'],
    corpus: [
      encodeCursor({ after: undefined, roundStartedAt: NOW }),
      encodeCursor({ after: chunkAddressOf(random.bytes(32)), roundStartedAt: 0 }),
    ],
    decode: decodeCursor,
    encode: (cursor: ScrubCursor) => encodeCursor(cursor),
  },
  {
    name: 'layout.json',
    covers: ['layoutFault'],
    corpus: [encodeLayout()],
    decode: layoutFault,
    isNothing: (fault: string | undefined) => fault !== undefined,
  },
]

const SELF = peerIdOf(random.bytes(32))
const peers = [1, 2, 3].map((i) => ({
  peer: peerIdOf(random.bytes(32)),
  addresses: [{ address: parseMultiaddr(`/ip4/1.2.3.${i}/udp/10000/quic`), type: 0 as TypedAddress['type'] }],
  score: i / 4,
}))
const asText = (bytes: Uint8Array): string => fromUtf8(bytes) ?? Buffer.from(bytes).toString('latin1')
const isPeer = ({ peer }: { peer: PeerId }) => assert.match(peer, /^[0-9a-f]{64}$/)

export const DHT_TARGETS: readonly FuzzTarget[] = [
  {
    name: 'close_group_cache.json',
    covers: ['parseCloseGroupCache'],
    corpus: [utf8(formatCloseGroupCache(peers, NOW))],
    decode: (bytes) => {
      const found = parseCloseGroupCache(asText(bytes), NOW, hour)
      for (const trusted of found ?? []) isPeer(trusted)
      return found
    },
    isNothing: (found: unknown) => found === undefined,
  },
  {
    name: 'routing_snapshot.json',
    covers: ['parseRoutingSnapshot'],
    corpus: [utf8(formatRoutingSnapshot(SELF, peers, NOW))],
    decode: (bytes) => {
      const found = parseRoutingSnapshot(asText(bytes), SELF, NOW, hour)
      for (const peer of found?.peers ?? []) isPeer(peer)
      return found
    },
    isNothing: (found: unknown) => found === undefined,
  },
]

const remembered = (count: number): Remembered => ({
  claims: Array.from({ length: count }, () => ({ peer: peerIdOf(random.bytes(32)), since: NOW, active: true })),
  owed: Array.from({ length: count }, (_, i) => ({ key: chunkAddressOf(random.bytes(32)), ageMs: i })),
})

export const REPLICATION_TARGETS: readonly FuzzTarget[] = [
  {
    name: 'replication memory',
    covers: ['decodeMemory'],
    corpus: [0, 1, 5].map((count) => encodeMemory(remembered(count), digest)),
    decode: (bytes) => decodeMemory(bytes, digest),
    encode: (value: Remembered) => encodeMemory(value, digest),
  },
  {
    name: 'replication memory with a checksum that always fits',
    covers: [],
    corpus: [1, 5].map((count) => encodeMemory(remembered(count), digest)),
    decode: (bytes) => decodeMemory(bytes, () => bytes.subarray(Math.max(0, bytes.length - 32))),
  },
]
