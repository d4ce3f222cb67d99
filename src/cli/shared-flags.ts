/** Flags that several commands share. */
import { LOG_LEVELS } from '../base/index.ts'
import { PROFILE_FLAGS } from './profile-flags.ts'

export const LOG_LEVEL_FLAG = { type: 'string', values: LOG_LEVELS, help: 'how much is logged' } as const

export const JSON_FLAG = { type: 'boolean', help: 'one JSON object on stdout, nothing else' } as const

/** How a client finds the network. */
export const CONNECT_FLAGS = {
  'devnet-manifest': { type: 'path', help: 'manifest of a local network', placeholder: 'FILE' },
  bootstrap: {
    type: 'list',
    short: 'b',
    help: 'nodes to start from: IP:PORT or a multiaddr; comma list or repeated',
    placeholder: 'ADDR',
  },
  'allow-loopback': {
    type: 'boolean',
    help: 'accept peers on this machine (implied by a manifest, or when all of -b are on it)',
  },
  'ipv4-only': { type: 'boolean', help: 'do not use IPv6' },
  'timeout-secs': { type: 'integer', min: 1, max: 86400, help: 'give up connecting after this long (default 60)' },
  verbose: { type: 'boolean', short: 'v', help: 'log what happens to stderr' },
  ...PROFILE_FLAGS,
  json: JSON_FLAG,
} as const

export const OVERWRITE_FLAG = { type: 'boolean', help: 'replace what is there' } as const
