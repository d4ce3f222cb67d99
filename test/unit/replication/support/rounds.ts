/** Rounds of verification: keys, a view of the groups, peers that answer. */
import assert from 'node:assert/strict'
import { atOnce } from '../../../../src/base/index.ts'
import type { PeerId, VerificationResult } from '../../../../src/protocol/index.ts'
import type { VerificationQuestion } from '../../../../src/replication/traffic/verification-gate.ts'
import type { KeyToVerify, VerificationRound } from '../../../../src/replication/verify/verification-round.ts'
import { OwnView } from '../../../../src/replication/view/own-view.ts'
import { at, many, peerAt } from './seeds.ts'

export const anyone = { credited: () => true, askable: () => true, busy: () => false, paid: () => false }
export const key = at(0)
export const hint = (overrides: Partial<KeyToVerify> = {}): KeyToVerify => ({
  ...{ key, paidLocally: false, held: false, counted: false, hinters: [] },
  ...overrides,
})
/** Self is the nearest of `others` + 1. */
export const viewOf = (others: number) =>
  new OwnView(
    peerAt(1),
    many(others, () => 0).map((_, i) => peerAt(i + 2)),
  )

export function ask(
  round: VerificationRound,
  answer: (question: VerificationQuestion) => readonly VerificationResult[] | undefined,
) {
  const asked: VerificationQuestion[] = []
  const askAll = () => {
    for (let first = round.next(); first; first = round.next()) {
      const batch = [first]
      for (let question = round.next(); question; question = round.next()) batch.push(question)
      for (const question of batch) atOnce(round.answered(question.peer, answer(question)))
      asked.push(...batch)
    }
  }
  askAll()
  if (round.exhausted) atOnce(round.widen())
  askAll()
  assert.deepEqual([round.allSettled, ...round.awaited], [true])
  return asked
}

export const saying =
  (present: readonly PeerId[], paid: readonly PeerId[] = []) =>
  ({ peer, keys, paidListCheckIndices }: VerificationQuestion): VerificationResult[] =>
    keys.map((asked, i) => ({
      ...{ key: asked, present: present.includes(peer) },
      ...(paidListCheckIndices.includes(i) ? { paid: paid.includes(peer) } : {}),
    }))
