import assert from 'node:assert/strict'
import { test } from 'node:test'
import { never } from '../../../src/base/index.ts'
import { REPLICATION_DEFAULTS, type ReplicationOptions } from '../../../src/replication/index.ts'
import { validateReplicationOptions } from '../../../src/replication/validate.ts'
import { loneEngine } from './support/engine.ts'

const refused = (change: Partial<ReplicationOptions>, name: keyof ReplicationOptions) =>
  assert.throws(
    () => validateReplicationOptions({ ...REPLICATION_DEFAULTS, ...change }),
    (error: { code?: string; data?: { name?: string } }) =>
      error.code === 'REPLICATION_OPTIONS' && error.data?.name === name,
  )

test('scenario 18: every rule of section 2 refuses by name, the defaults pass', () => {
  validateReplicationOptions(REPLICATION_DEFAULTS)
  refused({ closeGroupSize: 0 }, 'closeGroupSize')
  refused({ closeGroupSize: 257 }, 'closeGroupSize')
  refused({ quorumThreshold: 0 }, 'quorumThreshold')
  refused({ quorumThreshold: 8 }, 'quorumThreshold')
  refused({ paidGroupSize: 0 }, 'paidGroupSize')
  refused({ syncPeers: 0 }, 'syncPeers')
  refused({ syncScope: 21 }, 'syncScope')
  refused({ syncIntervalMinMs: 2, syncIntervalMaxMs: 1 }, 'syncIntervalMinMs')
  refused({ selfLookupMinMs: 2, selfLookupMaxMs: 1 }, 'selfLookupMinMs')
  refused({ auditTickMinMs: 2, auditTickMaxMs: 1 }, 'auditTickMinMs')
  refused({ possessionDelayMinMs: 2, possessionDelayMaxMs: 1 }, 'possessionDelayMinMs')
  refused({ fetchQueue: Number.NaN }, 'fetchQueue')
  refused({ pendingLifeMs: -1 }, 'pendingLifeMs')
  refused({ freshReadBackMs: [1, Number.POSITIVE_INFINITY] }, 'freshReadBackMs')
})

test('scenario 18: with a wrong configuration the engine is not built', async () => {
  await assert.rejects(loneEngine({ options: { quorumThreshold: 0 } }), /quorumThreshold is 0/)
  const { replication } = await loneEngine()
  await replication.start(never)
  await replication.stop()
})
