/** Digest challenges of ours: what says nothing about the peer costs it nothing (replication.md 6; ADR 12). */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CodedError, never, second, seededRandom, TaskGroup } from '../../../src/base/index.ts'
import { NetworkError, type NetworkErrorCode } from '../../../src/network/index.ts'
import type { ChunkAddress, PeerId } from '../../../src/protocol/index.ts'
import { Challenger } from '../../../src/replication/audits/challenger.ts'
import { ClaimTracker } from '../../../src/replication/audits/claim-tracker.ts'
import { PossessionSchedule } from '../../../src/replication/audits/possession-schedule.ts'
import { REPLICATION_DEFAULTS as options } from '../../../src/replication/options.ts'
import type { Parts } from '../../../src/replication/parts.ts'
import { Messenger } from '../../../src/replication/traffic/messenger.ts'
import { EventPump, SimClock } from '../../../src/sim/index.ts'
import { at, many, peerAt } from './support/seeds.ts'

function scene(request: (clock: SimClock) => Promise<Uint8Array>) {
  const clock = new SimClock()
  const pump = new EventPump(clock, 1)
  const dice = seededRandom(1)
  const state = { doubtedAt: undefined as number | undefined, reports: [] as PeerId[], errors: [] as unknown[] }
  const lacks: (readonly [readonly ChunkAddress[], PeerId | undefined])[] = []
  const parts = {
    ...{ self: peerAt(0), clock, random: dice, options, tasks: new TaskGroup((error) => state.errors.push(error)) },
    messenger: new Messenger({ request: () => request(clock), send: async () => undefined }, dice),
    store: { has: () => true, get: async () => new Uint8Array(1) },
    dht: {
      uplinkDoubtedAt: () => state.doubtedAt,
      reportTrust: (peer: PeerId) => void state.reports.push(peer),
    },
    metrics: { challenges: { add: () => undefined } },
  } as unknown as Parts
  const schedule = new PossessionSchedule(options)
  const challenger = new Challenger({
    ...{ parts, claims: new ClaimTracker(options), schedule },
    extender: {
      lacks: (keys, peer) => void lacks.push([keys, peer]),
      doubt: (keys) => void lacks.push([keys, undefined]),
    },
  })
  const ask = (peer: PeerId, keys: readonly ChunkAddress[] = [at(1)]) =>
    challenger.challenge({ peer, keys, audit: 'possession' }, never)
  return { clock, pump, state, lacks, schedule, challenger, parts, ask }
}

const failing = (code: NetworkErrorCode) => () => Promise.reject(new NetworkError(code, 'not now'))
const timeout = async (clock: SimClock): Promise<never> => {
  await clock.sleep(4.4 * second, never)
  throw new NetworkError('NETWORK_REQUEST_TIMEOUT', 'nothing came')
}

test('a question that never left this node says nothing; one that was lost or not answered does', async () => {
  const rows: [NetworkErrorCode, 'unheard' | 'timeout'][] = [
    ['NETWORK_REQUESTS_FULL', 'unheard'],
    ['NETWORK_NOT_RUNNING', 'unheard'],
    ['NETWORK_BUSY', 'unheard'],
    ['NETWORK_MESSAGE_TOO_LARGE', 'unheard'],
    ['NETWORK_REQUEST_LOST', 'timeout'],
    ['NETWORK_REQUEST_TIMEOUT', 'timeout'],
    ['NETWORK_UNREACHABLE', 'timeout'],
  ]
  for (const [code, kind] of rows) {
    const { pump, ask } = scene(failing(code))
    assert.deepEqual(await pump.run(() => ask(peerAt(1))), { kind }, code)
  }
})

test('silence is not charged when our own uplink came into doubt while it was waited for, or soon after', async () => {
  for (const [doubtAfterMs, kind] of [
    [2 * second, 'unheard'],
    [20 * second, 'unheard'],
    [undefined, 'timeout'],
  ] as const) {
    const { clock, pump, state, ask } = scene(timeout)
    if (doubtAfterMs !== undefined)
      clock.timer(doubtAfterMs, () => {
        state.doubtedAt = clock.monotonic()
      })
    assert.deepEqual(await pump.run(() => ask(peerAt(1))), { kind })
  }
  const { clock, pump, state, ask } = scene(timeout)
  await pump.run(() => clock.sleep(10 * second, never))
  state.doubtedAt = 5 * second
  assert.deepEqual(await pump.run(() => ask(peerAt(1))), { kind: 'timeout' }, 'an older doubt excuses nobody')
})

test('too many challenges for one slow peer: those beyond the line say nothing, and nothing is rejected', async () => {
  const { pump, ask } = scene(timeout)
  const waiting = options.challengesPerTarget + options.pruneKeys
  const verdicts = await pump.run(() => Promise.all(many(waiting + 5, () => ask(peerAt(1)))))
  assert.deepEqual(
    ['timeout', 'unheard'].map((kind) => verdicts.filter((verdict) => verdict.kind === kind).length),
    [waiting, 5],
  )
})

test('possession checks charge the silent once each, and nobody for a fault of ours', async () => {
  for (const [request, charged] of [
    [timeout, 3],
    [failing('NETWORK_REQUESTS_FULL'), 0],
  ] as const) {
    const { clock, pump, state, schedule, challenger, parts } = scene(request)
    schedule.add({ key: at(1), peers: [peerAt(1), peerAt(2), peerAt(3)] }, 0, seededRandom(1))
    parts.tasks.spawn('challenger', (signal) => challenger.run(signal))
    await pump.run(() => clock.sleep(options.possessionDelayMaxMs + 60 * second, never))
    await pump.run(() => parts.tasks.stop())
    assert.deepEqual([state.reports.length, state.errors], [charged, []])
  }
})

test('an error of another kind is no verdict', async () => {
  const { pump, ask } = scene(() => Promise.reject(new CodedError('OTHER', 'ours')))
  assert.deepEqual(await pump.run(() => ask(peerAt(1))), { kind: 'unheard' })
})
