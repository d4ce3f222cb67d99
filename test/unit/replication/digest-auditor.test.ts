/** How many keys a digest audit names: no more than an honest neighbour may answer (replication.md 15). */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { digestKeyLimit, digestKeysInTime } from '../../../src/audit/index.ts'
import { never, seededRandom } from '../../../src/base/index.ts'
import type { ChunkAddress, PeerId } from '../../../src/protocol/index.ts'
import type { Asked } from '../../../src/replication/audits/challenger.ts'
import { DigestAuditor, type DigestAuditorDeps } from '../../../src/replication/audits/digest-auditor.ts'
import { REPLICATION_DEFAULTS as options } from '../../../src/replication/options.ts'
import { OwnView } from '../../../src/replication/view/own-view.ts'
import { SimClock } from '../../../src/sim/index.ts'
import { address, many, peerId } from './support/seeds.ts'

test('a neighbour with few of our keys is asked for few; one with many for the root of ours', async () => {
  const rows: { ours: number; told: number; committed?: number; asked: number }[] = [
    { ours: 10_000, told: 2400, asked: 96 },
    { ours: 10_000, told: 2500, asked: 100 },
    { ours: 10_000, told: 100, asked: 20 },
    { ours: 10_000, told: 100, committed: 2500, asked: 100 },
    { ours: 100, told: 100, asked: 10 },
    { ours: 9, told: 1, asked: 1 },
    { ours: 4_000_000, told: 5000, committed: 1_000_000, asked: digestKeysInTime() },
  ]
  for (const { ours, told, committed, asked } of rows) {
    const random = seededRandom(15)
    const [self, peer] = [peerId(random), peerId(random)]
    const keys = many(told, () => address(random))
    const challenges: Asked[] = []
    const parts = {
      ...{ self, random, options, clock: new SimClock(), store: { size: ours, has: () => true } },
      ...{ dht: { suspected: () => false, reportTrust: () => undefined } },
      holdings: { view: new OwnView(self, [peer]) },
    }
    const auditor = new DigestAuditor({
      parts,
      sync: { auditable: () => true, epoch: 1 },
      proofs: { keysTold: (_: PeerId): ChunkAddress[] => keys, mature: () => true },
      claims: { answered: () => undefined },
      challenger: {
        challenge: async (challenge: Asked) => {
          challenges.push(challenge)
          return { kind: 'pass', proved: challenge.keys }
        },
      },
      committedKeys: () => committed,
    } as unknown as DigestAuditorDeps)
    assert.equal(await auditor.audit(never), 'passed')
    const named = challenges[0]?.keys.length as number
    assert.equal(named, asked, `${ours} keys of ours, ${told} told, ${committed} committed`)
    assert.ok(named <= digestKeyLimit(Math.max(told, committed ?? 0)))
  }
})
