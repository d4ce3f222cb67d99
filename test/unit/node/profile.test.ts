import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { GiB, MiB, resolveOptions } from '../../../src/base/index.ts'
import { chunkServerDefaults } from '../../../src/chunk-server/index.ts'
import { CLIENT_DEFAULTS } from '../../../src/client/index.ts'
import { computeDefaults } from '../../../src/compute/index.ts'
import { assertSpecs, type MachineFacts, PROFILES } from '../../../src/machine/index.ts'
import { NETWORK_DEFAULTS } from '../../../src/network/index.ts'
import { resolveProfile } from '../../../src/node/profile.ts'
import { SETTING_SPECS, type SettingKey } from '../../../src/node/profile-specs.ts'
import { scrubberDefaults } from '../../../src/storage/index.ts'
import { QUIC_DEFAULTS } from '../../../src/transport/index.ts'

const DEFAULTS = {
  ...{ compute: computeDefaults, quic: QUIC_DEFAULTS, network: NETWORK_DEFAULTS },
  ...{ chunkServer: chunkServerDefaults, scrubber: scrubberDefaults, client: CLIENT_DEFAULTS },
}

function machine(
  given: { limit?: number; cores?: number; quota?: number; openFiles?: number; as?: number } = {},
): MachineFacts {
  const of = (value: number | undefined) => (value === undefined ? undefined : { value, file: '/cg' })
  return {
    ...{ memoryBytes: 24 * GiB, cores: given.cores ?? 2, board: undefined },
    ...{ openFiles: given.openFiles ?? 1024, addressSpaceBytes: given.as },
    cgroup: { version: 'v2', memory: of(given.limit), quota: of(given.quota), processors: undefined },
  }
}

describe('the table', () => {
  test('every column is inside its range', () => assertSpecs(SETTING_SPECS))

  test('every value reaches an option that its room has', () => {
    for (const name of PROFILES) {
      const { tuning } = resolveProfile(machine(), { profile: name })
      for (const [room, defaults] of Object.entries(DEFAULTS))
        resolveOptions(room, defaults as object, tuning[room as keyof typeof tuning] as object)
    }
  })

  test('server is what the rooms have by themselves', () => {
    const { tuning } = resolveProfile(machine(), { profile: 'server' })
    for (const [room, defaults] of Object.entries(DEFAULTS))
      for (const [name, value] of Object.entries(tuning[room as keyof typeof tuning]))
        if (name !== 'threads')
          assert.equal(value, (defaults as unknown as Record<string, number>)[name], `${room}.${name}`)
  })

  test('no limit grows from a larger profile to a smaller one', () => {
    for (const [key, { tiny, small, server, zero }] of Object.entries(
      SETTING_SPECS as Record<string, (typeof SETTING_SPECS)['compute.threads']>,
    )) {
      // 0 leaves a value to the system.
      const least = (value: number) => (value === 0 && zero !== undefined ? Number.POSITIVE_INFINITY : value)
      assert.ok(least(tiny) <= least(small) && least(small) <= least(server), key)
    }
  })

  // What a flood can fill at the same time; an answer holds its chunk twice (content, and the endpoint's copy).
  test('all queues of tiny together leave room in 512 MiB', () => {
    const at = (key: SettingKey) => resolveProfile(machine({ limit: 512 * MiB })).settings[key].value
    const queues = at('quic.inboundBudgetBytes') + at('network.queueBytes') + at('chunkServer.maxBytes')
    const answers = 2 * 4 * MiB * at('chunkServer.permits')
    const windows = at('quic.windowBudgetBytes') + 2 * at('quic.socketBufferBytes')
    assert.ok(queues + answers + windows <= 256 * MiB, `${(queues + answers + windows) / MiB} MiB`)
  })
})

describe('the machine', () => {
  test('threads: not more than cores, not more than the profile', () => {
    const threads = (facts: MachineFacts, profile: string) =>
      resolveProfile(facts, { profile }).settings['compute.threads'].value
    assert.equal(threads(machine({ cores: 16 }), 'server'), 16)
    assert.equal(threads(machine({ cores: 16, quota: 2.5 }), 'server'), 3)
    assert.equal(threads(machine({ cores: 16 }), 'small'), 2)
    assert.equal(threads(machine({ cores: 1 }), 'small'), 1)
    assert.equal(threads(machine({ cores: 4 }), 'tiny'), 1)
  })

  test('a quota names its file', () => {
    const { reason } = resolveProfile(machine({ cores: 4, quota: 1 })).settings['compute.threads']
    assert.match(reason, /1 by \/cg/)
  })

  test('few open files mean few permits, and a peer has no more than all', () => {
    const { settings } = resolveProfile(machine({ openFiles: 80 }))
    assert.equal(settings['chunkServer.permits'].value, 8)
    assert.equal(settings['chunkServer.permitsPerPeer'].value, 8)
    assert.match(settings['chunkServer.permits'].reason, /80 files/)
  })

  test('a group of half the size halves budgets, but every queue still takes a put', () => {
    const { settings } = resolveProfile(machine({ limit: 256 * MiB }))
    assert.equal(settings['chunkServer.maxBytes'].value, 16 * MiB)
    assert.equal(settings['chunkServer.permits'].value, 4)
    assert.equal(settings['chunkServer.maxBytes'].from, 'machine')
    const least = resolveProfile(machine({ limit: 16 * MiB })).settings
    assert.equal(least['network.queueBytes'].value, 8 * MiB)
    assert.equal(least['chunkServer.permitsPerPeer'].value, 1)
  })

  test('address limits are told', () => {
    assert.match(resolveProfile(machine({ as: GiB })).warnings.join(), /ulimit -v/)
    assert.deepEqual(resolveProfile(machine()).warnings, [])
  })
})

describe('values set alone', () => {
  test('one value, and nothing else changes', () => {
    const plain = resolveProfile(machine())
    const { settings, tuning } = resolveProfile(machine(), { set: ['chunkServer.permits=100', 'compute.threads=7'] })
    assert.equal(tuning.chunkServer.permits, 100)
    assert.equal(settings['chunkServer.permits'].from, 'set')
    assert.equal(tuning.compute.threads, 7)
    const others = Object.entries(settings).filter(([key]) => !/permits$|threads$/.test(key))
    for (const [key, value] of others) assert.deepEqual(value, plain.settings[key as SettingKey], key)
  })

  test('one limit of connections reaches both rooms that count them', () => {
    const { tuning } = resolveProfile(machine(), { set: ['network.maxConnections=77'] })
    assert.deepEqual([tuning.network.maxConnections, tuning.quic.maxConnections], [77, 77])
  })

  test("a peer's share follows the whole down, and may not be set above it", () => {
    const { settings } = resolveProfile(machine(), { set: ['chunkServer.permits=3'] })
    assert.equal(settings['chunkServer.permitsPerPeer'].value, 3)
    const tooMuch = { set: ['chunkServer.permitsPerPeer=65'] }
    assert.throws(
      () => resolveProfile(machine(), tooMuch),
      /permitsPerPeer \(65\) may not be above chunkServer.permits \(64\)/,
    )
  })

  test('the result is frozen', () => {
    const profile = resolveProfile(machine())
    assert.ok([profile, profile.settings, profile.tuning].every((part) => Object.isFrozen(part)))
  })
})
