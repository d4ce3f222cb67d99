/** Every row of the dashboard: the table of goals, split where one line of it names several figures. */
import { REFERENCE } from './baselines.ts'
import type { Goal, RowSpec } from './goal.ts'

const atLeast = (value: number): Goal => ({ kind: 'atLeast', value })
const atMost = (value: number): Goal => ({ kind: 'atMost', value })

function section(name: string, rows: readonly Omit<RowSpec, 'section'>[]): RowSpec[] {
  return rows.map((row) => ({ ...row, section: name }))
}

const { stock4MiB, devnet4MiB, stock100MB, devnet100MB, uploadPeakRssMiB } = REFERENCE
const crate = 'self_encryption 0.36.2, same run'
const endpoint = 'the Rust endpoint driven from Rust, same run'

const KERNELS = section('kernels', [
  {
    id: 'blake3-4mib',
    title: 'BLAKE3 of 4 MiB through the addon, one thread',
    ...{ unit: 'x', goal: atLeast(0.95), yardstick: 'the same Rust function called from Rust' },
  },
  {
    id: 'blake3-32b',
    title: 'BLAKE3 of 32 B into a given buffer',
    ...{ unit: 'x', goal: atLeast(8), yardstick: '@noble/hashes' },
  },
  {
    id: 'mldsa-sign',
    title: 'ML-DSA-65 sign, native',
    ...{ unit: 'x', goal: atLeast(5), yardstick: 'node:crypto (OpenSSL)' },
  },
  {
    id: 'mldsa-verify',
    title: 'ML-DSA-65 verify, native',
    ...{ unit: 'x', goal: atLeast(3.5), yardstick: 'node:crypto (OpenSSL)' },
  },
  {
    id: 'wasm-blake3',
    title: 'BLAKE3 of 4 MiB in our wasm',
    ...{ unit: 'x', goal: atLeast(2.2), yardstick: 'blake3-wasm 2.1.5' },
  },
  {
    id: 'wasm-seal-random',
    title: 'seal of a random chunk in our wasm',
    ...{ unit: 'x', goal: atLeast(7), yardstick: 'brotli-wasm 3.0.1, its compression alone' },
  },
  {
    id: 'wasm-seal-text',
    title: 'seal of a chunk of log text in our wasm',
    ...{ unit: 'x', goal: atLeast(7), yardstick: 'brotli-wasm 3.0.1, its compression alone' },
  },
  {
    id: 'wasm-mldsa-sign',
    title: 'ML-DSA-65 sign in our wasm',
    ...{ unit: 'x', goal: atLeast(8), yardstick: '@noble/post-quantum' },
  },
  {
    id: 'wasm-mldsa-verify',
    title: 'ML-DSA-65 verify in our wasm',
    ...{ unit: 'x', goal: atLeast(8), yardstick: '@noble/post-quantum' },
  },
])

const POOL = section('pool', [
  {
    id: 'pool-overhead',
    title: 'what the pool adds to a 4 MiB task',
    ...{ unit: 'us', goal: atMost(60), yardstick: 'the same kernel inline' },
  },
  {
    id: 'pool-no-copy',
    title: 'copies of the payload on the way to a worker and back',
    ...{ unit: 'copies', goal: atMost(0.1), yardstick: 'one copy of the same bytes, timed in the same run' },
  },
  ...(['hash', 'seal', 'verify'] as const).map((kernel) => ({
    id: `workers2-${kernel}`,
    title: `two workers: ${kernel}`,
    ...{ unit: 'x', goal: atLeast(1.8), yardstick: 'one worker' },
  })),
])

const FILES = section('files', [
  {
    id: 'encrypt-random',
    title: 'encrypt a random file, all cores',
    ...{ unit: 'x', goal: atLeast(1.7), yardstick: crate },
  },
  {
    id: 'encrypt-text',
    title: 'encrypt a file of log text, all cores',
    ...{ unit: 'x', goal: atLeast(1.7), yardstick: crate },
  },
  {
    id: 'encrypt-kernel-bound-random',
    title: 'encrypt a random file: share of what the seal kernel allows',
    ...{ unit: 'x', goal: atLeast(0.85), yardstick: 'seal kernel on one thread times cores, same run' },
  },
  {
    id: 'encrypt-kernel-bound-text',
    title: 'encrypt a file of log text: share of what the seal kernel allows',
    ...{ unit: 'x', goal: atLeast(0.85), yardstick: 'seal kernel on one thread times cores, same run' },
  },
  { id: 'decrypt-random', title: 'decrypt a random file', ...{ unit: 'x', goal: atLeast(1), yardstick: crate } },
  { id: 'decrypt-text', title: 'decrypt a file of log text', ...{ unit: 'x', goal: atLeast(1), yardstick: crate } },
  {
    id: 'encrypt-memory',
    title: 'peak RSS above idle while encrypting 4 GiB',
    ...{ unit: 'MiB', goal: atMost(200), yardstick: 'the same process before the work' },
  },
  {
    id: 'decrypt-memory',
    title: 'peak RSS above idle while decrypting 4 GiB',
    ...{ unit: 'MiB', goal: atMost(200), yardstick: 'the same process before the work' },
  },
])

const QUIC = section('quic', [
  {
    id: 'quic-bulk',
    title: 'QUIC: messages of 4 MiB, four in flight',
    ...{ unit: 'x', goal: atLeast(0.9), yardstick: endpoint },
  },
  {
    id: 'quic-rate',
    title: 'QUIC: 1 KiB and back, 16 in flight',
    ...{ unit: 'x', goal: atLeast(0.9), yardstick: endpoint },
  },
  {
    id: 'quic-handshake',
    title: 'QUIC: handshakes, one after another',
    ...{ unit: 'x', goal: atLeast(0.9), yardstick: endpoint },
  },
])

const NETWORK = section('network', [
  {
    id: 'start-10',
    title: 'start of 10 nodes to the first accepted put',
    ...{ unit: 's', goal: atMost(3), yardstick: `recorded: ${REFERENCE.startSeconds} s` },
  },
  {
    id: 'put-100mb',
    title: 'put 100 MB onto 10 node processes',
    ...{ unit: 'MB/s', goal: atLeast(10), yardstick: `recorded: ${devnet100MB.up} (devnet), ${stock100MB.up} (stock)` },
  },
  {
    id: 'get-100mb',
    title: 'get 100 MB from 10 node processes',
    ...{
      unit: 'MB/s',
      goal: atLeast(60),
      yardstick: `recorded: ${devnet100MB.down} (devnet), ${stock100MB.down} (stock)`,
    },
  },
  {
    id: 'file-600mb',
    title: 'a 600 MB file goes through and comes back whole (1 = yes)',
    ...{ unit: '', goal: atLeast(1), yardstick: 'recorded: fails on 10 stock nodes' },
  },
  {
    id: 'client-memory',
    title: 'peak RSS of the client above idle, at any size, up and down',
    ...{
      unit: 'MiB',
      goal: atMost(150),
      yardstick: `recorded: ${REFERENCE.clientRssMiB.up} up, ${REFERENCE.clientRssMiB.down} down, in all`,
    },
  },
  {
    id: 'put-4mib-p50',
    title: 'put of one 4 MiB chunk, p50',
    ...{
      unit: 'ms',
      goal: atMost(438),
      yardstick: `recorded: ${devnet4MiB.putP50} (devnet), ${stock4MiB.putP50} (stock)`,
    },
  },
  {
    id: 'get-4mib-p50',
    title: 'get of one 4 MiB chunk, p50',
    ...{
      unit: 'ms',
      goal: atMost(116),
      yardstick: `recorded: ${devnet4MiB.getP50} (devnet), ${stock4MiB.getP50} (stock)`,
    },
  },
])

const REPAIR = section('repair', [
  {
    id: 'put-replicated',
    title: 'upload of a file onto ten nodes that replicate',
    ...{ unit: 'MB/s', goal: atLeast(8), yardstick: `recorded: ${stock100MB.up} (stock, 100 MB)` },
  },
  {
    id: 'get-right-after',
    title: 'download right after the upload, against the same on a quiet network',
    ...{ unit: 'x', goal: atLeast(0.8), yardstick: 'recorded: 0.2 (stock)' },
  },
  {
    id: 'bytes-moved',
    title: 'chunk bytes that nodes receive for each encrypted byte stored',
    ...{ unit: 'x', goal: atMost(9), yardstick: `recorded: ${REFERENCE.bytesMoved} (stock); 7 copies are the least` },
  },
  {
    id: 'repair-three-dead',
    title: 'three of ten nodes killed at once: every chunk on all that live again',
    ...{
      unit: 's',
      goal: atMost(60),
      yardstick: `recorded: ${REFERENCE.firstRepairSeconds} to the first copy (stock)`,
    },
  },
  {
    id: 'repair-peak-rss',
    title: 'peak RSS of a node while it stores, serves and repairs, largest node',
    ...{ unit: 'MiB', goal: atMost(200), yardstick: 'the figure of a node with 256 MiB to itself' },
  },
])

const NODE = section('node', [
  {
    id: 'message-copies',
    title: 'JS memory that a 4 MiB message takes from socket to disk, in copies of it',
    // One copy is the message as it came in: the chunk with its envelope and proof.
    ...{ unit: 'copies', goal: atMost(1.05), yardstick: 'watched in the node processes while they store one chunk' },
  },
  {
    id: 'loop-delay',
    title: 'event loop delay of a node under full load, p99, worst node',
    ...{ unit: 'ms', goal: atMost(10), yardstick: 'a timer of 20 ms in every node' },
  },
  {
    id: 'loop-delay-own',
    title: 'the same without waiting for a core: what the node itself keeps its loop from',
    ...{ unit: 'ms', goal: atMost(10), yardstick: 'that timer, less the wait that the kernel counts for the thread' },
  },
  {
    id: 'node-idle-rss',
    title: 'RSS of an idle node process in a network of ten',
    ...{ unit: 'MiB', goal: atMost(83), yardstick: `recorded: ${REFERENCE.idleRssMiB}` },
  },
  {
    id: 'node-in-process-rss',
    title: 'RSS of each further node in the same process',
    ...{ unit: 'MiB', goal: atMost(12), yardstick: 'the same process with one node' },
  },
  {
    id: 'node-idle-cpu',
    title: 'CPU of an idle node, per cent of one core',
    ...{ unit: '%', goal: atMost(0.25), yardstick: `recorded: ${REFERENCE.idleCpuPercent}` },
  },
  {
    id: 'node-peak-rss',
    title: 'peak RSS of a node during a 100 MB upload, largest node',
    ...{ unit: 'MiB', goal: atMost(160), yardstick: `recorded: ${uploadPeakRssMiB.join('-')}` },
  },
  {
    id: 'node-rss-after',
    title: 'RSS of a node a minute after the upload, largest node',
    ...{ unit: 'MiB', goal: atMost(110), yardstick: `recorded: ${REFERENCE.afterLoadRssMiB} after 20 s` },
  },
])

/** Exponents: 0 costs the same at any size, 1 is proportional. log n over 10 to 10,000 fits as about 0.2. */
const NO_GROWTH = 0.25
const growth = (id: string, title: string, value = NO_GROWTH) => ({
  ...{ id: `growth-${id}`, title: `${title}: exponent of n` },
  ...{ unit: '', goal: atMost(value), yardstick: 'n = 10 to 10,000; log n fits as 0.2' },
})

const GROWTH = section('growth', [
  growth('lookup-rounds', 'rounds of a lookup among n nodes'),
  growth('lookup-messages', 'messages of a lookup among n nodes'),
  growth('lookup-cpu', 'CPU of a lookup among n nodes', 0.5),
  growth('table-closest', 'closest of a table that has met n peers', 0.5),
  growth('table-admit', 'admitting a peer to a table that has met n peers', 0.5),
  growth('connections-find', 'finding the link of a peer among n connections'),
  growth('connections-add', 'adding and removing a connection among n'),
  growth('connections-watch', 'what the node asks of n connections at every watch tick'),
  growth('store-has', 'has among n chunks'),
  growth('store-insert', 'index insertion among n chunks'),
  growth('store-stats', 'stats among n chunks'),
  growth('store-open', 'opening a folder of n chunks, per chunk'),
  growth('replication-answer', 'answering a neighbour who asks for 64 keys, among n chunks'),
  growth('idle-chunks', 'ten idle minutes of a node that holds n chunks'),
  growth('idle-peers', 'ten idle minutes of a node that has met n peers', 0.5),
])

export const ROWS: readonly RowSpec[] = [
  ...KERNELS,
  ...POOL,
  ...FILES,
  ...QUIC,
  ...NETWORK,
  ...REPAIR,
  ...NODE,
  ...GROWTH,
]
