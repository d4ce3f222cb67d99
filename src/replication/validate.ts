/** A configuration with which the engine would be wrong is refused before anything is built (scenario 18). Pure. */
import { ReplicationError } from './errors.ts'
import type { ReplicationOptions } from './options.ts'

const INTERVALS = [
  ['syncIntervalMinMs', 'syncIntervalMaxMs'],
  ['selfLookupMinMs', 'selfLookupMaxMs'],
  ['auditTickMinMs', 'auditTickMaxMs'],
  ['possessionDelayMinMs', 'possessionDelayMaxMs'],
  ['retryMinMs', 'retryMaxMs'],
] as const

/** Throws REPLICATION_OPTIONS, naming the option and the limit it broke. */
export function validateReplicationOptions(options: ReplicationOptions): void {
  for (const [name, value] of Object.entries(options)) {
    const sound = [value].flat().every((number) => Number.isFinite(number) && number >= 0)
    if (!sound) refuse(name, value, 'a finite number, not negative')
  }
  const { closeGroupSize, pruneRequests, quorumThreshold, paidGroupSize, syncPeers, syncScope } = options
  if (closeGroupSize < 1) refuse('closeGroupSize', closeGroupSize, 'at least 1')
  if (closeGroupSize > pruneRequests) refuse('closeGroupSize', closeGroupSize, `pruneRequests = ${pruneRequests}`)
  if (quorumThreshold < 1) refuse('quorumThreshold', quorumThreshold, 'at least 1')
  if (quorumThreshold > closeGroupSize) refuse('quorumThreshold', quorumThreshold, `closeGroupSize = ${closeGroupSize}`)
  if (paidGroupSize < 1) refuse('paidGroupSize', paidGroupSize, 'at least 1')
  if (syncPeers < 1) refuse('syncPeers', syncPeers, 'at least 1')
  if (syncScope > 20) refuse('syncScope', syncScope, '20')
  if (options.syncFullMs.length === 0) refuse('syncFullMs', 'empty', 'at least one pause')
  for (const [least, most] of INTERVALS) {
    if (options[least] > options[most]) refuse(least, options[least], `${most} = ${options[most]}`)
  }
}

function refuse(name: string, value: unknown, limit: string): never {
  throw new ReplicationError('REPLICATION_OPTIONS', `replication option ${name} is ${value}; the limit is ${limit}`, {
    data: { name },
  })
}
