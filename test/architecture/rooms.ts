/**
 * The layering rule and nothing else: every folder under src, its rank and what it may import. Ranks only fall.
 * Rooms of later issues enter here on purpose: nat (5), api (10), dashboard (11), consensus.
 */
export interface Room {
  readonly rank: number
  readonly mayImport: readonly string[]
}

export const ROOMS: Readonly<Record<string, Room>> = {
  base: { rank: 0, mayImport: [] },
  machine: { rank: 1, mayImport: ['base'] },
  compute: { rank: 1, mayImport: ['base'] },
  page: { rank: 1, mayImport: ['base'] },
  crypto: { rank: 2, mayImport: ['base', 'compute'] },
  protocol: { rank: 3, mayImport: ['base', 'crypto'] },
  'self-encryption': { rank: 4, mayImport: ['base', 'compute', 'crypto', 'protocol'] },
  storage: { rank: 4, mayImport: ['base', 'crypto', 'protocol'] },
  trust: { rank: 4, mayImport: ['base', 'protocol'] },
  transport: { rank: 4, mayImport: ['base', 'crypto', 'protocol'] },
  payment: { rank: 4, mayImport: ['base', 'compute', 'crypto', 'protocol'] },
  sim: { rank: 5, mayImport: ['base', 'crypto', 'protocol', 'storage', 'transport', 'payment'] },
  network: { rank: 6, mayImport: ['base', 'crypto', 'protocol', 'transport'] },
  dht: { rank: 7, mayImport: ['base', 'crypto', 'protocol', 'trust', 'network'] },
  audit: { rank: 7, mayImport: ['base', 'crypto', 'protocol'] },
  'chunk-server': { rank: 8, mayImport: ['base', 'crypto', 'protocol', 'storage', 'payment', 'network', 'dht'] },
  replication: { rank: 8, mayImport: ['base', 'crypto', 'protocol', 'storage', 'payment', 'network', 'dht', 'audit'] },
  client: {
    rank: 8,
    mayImport: ['base', 'compute', 'crypto', 'protocol', 'self-encryption', 'payment', 'network', 'dht'],
  },
  node: {
    rank: 9,
    mayImport: [
      ...['base', 'compute', 'crypto', 'protocol', 'self-encryption', 'storage', 'trust', 'transport', 'payment'],
      ...['network', 'dht', 'chunk-server', 'replication', 'client', 'machine'],
    ],
  },
  devnet: {
    rank: 10,
    mayImport: [
      ...[
        'base',
        'compute',
        'crypto',
        'machine',
        'protocol',
        'storage',
        'transport',
        'payment',
        'sim',
        'client',
        'node',
      ],
    ],
  },
  scenario: {
    rank: 11,
    mayImport: ['base', 'page', 'crypto', 'protocol', 'storage', 'sim', 'client', 'devnet'],
  },
  cli: {
    rank: 12,
    mayImport: [
      ...[
        'base',
        'compute',
        'crypto',
        'machine',
        'protocol',
        'self-encryption',
        'client',
        'node',
        'devnet',
        'scenario',
      ],
    ],
  },
}

/**
 * Files that do instead of decide: only these may touch sockets, files, threads, the real clock, real dice, the
 * environment or the console. A trailing slash means the whole folder. Whole rooms: node, devnet, cli.
 */
export const DRIVERS: readonly string[] = [
  'base/clock.ts',
  'base/random.ts',
  'machine/cgroup-files.ts',
  'machine/read-facts.ts',
  'compute/piscina-compute.ts',
  'compute/worker-entry.ts',
  'crypto/backend/',
  'storage/file-lock.ts',
  'storage/file-system.ts',
  'storage/lmdb-paid-list.ts',
  'transport/quic/',
  'sim/event-pump.ts',
  'client/local/',
  'node/',
  'devnet/',
  'scenario/library.ts',
  'cli/',
]
