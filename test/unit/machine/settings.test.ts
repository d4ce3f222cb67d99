import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { GiB, MiB } from '../../../src/base/index.ts'
import {
  assertSpecs,
  chooseProfile,
  coresOf,
  type MachineFacts,
  memoryOf,
  missingStart,
  PROCESS_SPECS,
  ProfileError,
  parseSettings,
  resolveProcessSettings,
  type SettingSpec,
} from '../../../src/machine/index.ts'
import { boardOf, parseProcessLimit } from '../../../src/machine/texts.ts'

export function facts(
  given: Partial<MachineFacts> & { readonly limit?: number; readonly quota?: number } = {},
): MachineFacts {
  const { limit, quota, ...rest } = given
  const of = (value: number | undefined) => (value === undefined ? undefined : { value, file: '/cg' })
  return {
    ...{ memoryBytes: 24 * GiB, cores: 4, board: undefined, openFiles: 1024, addressSpaceBytes: undefined },
    cgroup: { version: 'v2', memory: of(limit), quota: of(quota), processors: undefined },
    ...rest,
  }
}

describe('which profile fits', () => {
  const cases: [string, MachineFacts, string][] = [
    ['a board of 1 GiB', facts({ memoryBytes: 0.9 * GiB, board: 'Raspberry Pi 3' }), 'tiny'],
    ['a group of 512 MiB on a large machine', facts({ limit: 512 * MiB }), 'tiny'],
    ['a board of 2 GiB', facts({ memoryBytes: 1.8 * GiB }), 'small'],
    ['an old laptop', facts({ memoryBytes: 4 * GiB, cores: 2 }), 'small'],
    ['a board of 8 GiB', facts({ memoryBytes: 7.8 * GiB, board: 'Raspberry Pi 5' }), 'small'],
    ['a workstation', facts(), 'server'],
    ['a limit above what there is', facts({ memoryBytes: 4 * GiB, limit: 64 * GiB }), 'small'],
  ]
  for (const [name, machine, expected] of cases) test(name, () => assert.equal(chooseProfile(machine).name, expected))

  test('asked for: taken, with a warning when it is made for more', () => {
    const choice = chooseProfile(facts({ limit: 512 * MiB }), 'server')
    assert.equal(choice.name, 'server')
    assert.match(choice.warning ?? '', /auto would be tiny/)
    assert.equal(chooseProfile(facts(), 'tiny').warning, undefined)
    assert.throws(() => chooseProfile(facts(), 'huge'), /one of auto, tiny, small, server, not "huge"/)
  })

  test('tiny shrinks with a smaller group, never below itself on a larger one', () => {
    assert.equal(chooseProfile(facts({ limit: 256 * MiB })).scale, 0.5)
    assert.equal(chooseProfile(facts({ limit: 1024 * MiB })).scale, 1)
  })
})

test('cores: affinity, quota and processors of the group; memory: the smaller one', () => {
  assert.equal(coresOf(facts()), 4)
  assert.equal(coresOf(facts({ quota: 1.2 })), 2)
  assert.equal(coresOf(facts({ quota: 0.1 })), 1)
  assert.equal(coresOf(facts({ quota: 64 })), 4)
  assert.equal(memoryOf(facts({ limit: GiB })).value, GiB)
  assert.equal(memoryOf(facts({ limit: 64 * GiB })).value, 24 * GiB)
})

describe('single values', () => {
  const specs: Record<string, SettingSpec> = {
    'a.bytes': { unit: 'bytes', min: MiB, max: GiB, tiny: MiB, small: MiB, server: MiB, why: '', zero: 'none' },
    'a.count': { unit: 'count', min: 1, max: 9, tiny: 1, small: 1, server: 1, why: '' },
    'a.ms': { unit: 'ms', min: 0, max: 60_000, tiny: 1, small: 1, server: 1, why: '' },
  }
  const one = (text: string) => [...parseSettings([text], specs).values()][0]

  test('sizes, times and counts as people write them', () => {
    for (const text of ['a.bytes=16MiB', 'a.bytes=16m', 'a.bytes = 16 MB', 'a.bytes=16384K', 'a.bytes=16777216'])
      assert.equal(one(text), 16 * MiB, text)
    assert.equal(one('a.bytes=0'), 0)
    assert.equal(one('a.ms=2s'), 2000)
    assert.equal(one('a.ms=0'), 0)
    assert.equal(one('a.count=9'), 9)
    assert.equal(parseSettings(['a.count=2', 'a.count=3'], specs).get('a.count'), 3)
  })

  test('everything else is one sentence', () => {
    const refused: [string, RegExp][] = [
      ['a.count', /takes KEY=VALUE/],
      ['=3', /takes KEY=VALUE/],
      ['b.count=3', /no setting "b.count"/],
      ['toString=3', /no setting "toString"/],
      ['a.count=0', /whole number from 1 to 9, not "0"/],
      ['a.count=10', /whole number from 1 to 9/],
      ['a.count=1k', /whole number/],
      ['a.count=1.5', /whole number/],
      ['a.count=-1', /whole number/],
      ['a.bytes=2GiB', /from 1 MiB to 1 GiB, or 0 for none/],
      ['a.bytes=999999999999999G', /a size/],
      ['a.ms=2h', /a time/],
      ['a.ms=', /a time/],
    ]
    for (const [text, pattern] of refused)
      assert.throws(
        () => parseSettings([text], specs),
        (error) => error instanceof ProfileError && pattern.test(error.message),
        text,
      )
  })

  test('a table with a column outside its range is our bug', () => {
    assertSpecs(specs)
    assertSpecs(PROCESS_SPECS)
    assert.throws(() => assertSpecs({ x: { ...(specs['a.count'] as SettingSpec), small: 10 } }), /x: small/)
  })
})

describe('what a process is given at its start', () => {
  const tiny = resolveProcessSettings(chooseProfile(facts({ limit: 512 * MiB })), new Map())

  test('flags and variables that are missing, as Node and glibc take them', () => {
    assert.deepEqual(missingStart(tiny, { flags: [], env: {} }), {
      flags: ['--max-old-space-size=192', '--max-semi-space-size=2'],
      env: { MALLOC_MMAP_THRESHOLD_: '1048576' },
    })
  })

  test('what the operator gave stays, in whichever form', () => {
    const running = {
      flags: ['--max_semi_space_size=8'],
      env: {
        NODE_OPTIONS: '--no-warnings --max-old-space-size=300',
        MALLOC_ARENA_MAX: '1',
        MALLOC_MMAP_THRESHOLD_: '262144',
      },
    }
    assert.deepEqual(missingStart(tiny, running), { flags: [], env: {} })
  })

  test('server leaves all of it alone, so nothing is started twice', () => {
    const server = resolveProcessSettings(chooseProfile(facts()), new Map())
    assert.deepEqual(missingStart(server, { flags: [], env: {} }), { flags: [], env: {} })
  })
})

test('boards and process limits', () => {
  assert.equal(boardOf('Raspberry Pi 4 Model B Rev 1.4\0'), 'Raspberry Pi 4 Model B Rev 1.4')
  for (const none of [undefined, '', '\0', 'linux,dummy-virt', 'QEMU Virt Machine'])
    assert.equal(boardOf(none), undefined)
  const text = [
    'Limit                     Soft Limit           Hard Limit           Units     ',
    'Max open files            1024                 524288               files     ',
    'Max address space         unlimited            unlimited            bytes     ',
  ].join('\n')
  assert.equal(parseProcessLimit(text, 'Max open files'), 1024)
  assert.equal(parseProcessLimit(text, 'Max address space'), undefined)
  assert.equal(parseProcessLimit(text, 'Max data size'), undefined)
  assert.equal(parseProcessLimit(undefined, 'Max open files'), undefined)
})
