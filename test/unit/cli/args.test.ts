import assert from 'node:assert/strict'
import { test } from 'node:test'
import { describeFlags, nearest, parseArgs, UsageError } from '../../../src/cli/args.ts'

const FLAGS = {
  port: { type: 'integer', short: 'p', env: 'T_PORT', min: 0, max: 65535, help: 'UDP port' },
  bootstrap: { type: 'list', short: 'b', env: 'T_BOOT', help: 'seeds' },
  mode: { type: 'string', values: ['a', 'b'], help: 'mode' },
  json: { type: 'boolean', env: 'T_JSON', help: 'json' },
  out: { type: 'path', short: 'o', help: 'out' },
} as const

test('flags in every form, positionals between them', () => {
  const { values, positionals } = parseArgs(
    ['x', '--port=7', '-b', '1.2.3.4:5,6.7.8.9:1', '--bootstrap', 'c:1', '--json', '-o', 'f', '--', '--y'],
    FLAGS,
    {},
  )
  assert.deepEqual(values, {
    port: 7,
    bootstrap: ['1.2.3.4:5', '6.7.8.9:1', 'c:1'],
    mode: undefined,
    json: true,
    out: 'f',
  })
  assert.deepEqual(positionals, ['x', '--y'])
})

test('the command line wins over the environment, the environment over nothing', () => {
  const env = { T_PORT: '9', T_BOOT: 'e:1,e:2', T_JSON: 'true' }
  assert.deepEqual(parseArgs([], FLAGS, env).values, {
    port: 9,
    bootstrap: ['e:1', 'e:2'],
    mode: undefined,
    json: true,
    out: undefined,
  })
  assert.deepEqual(parseArgs(['-p', '3', '-b', 'c:1'], FLAGS, env).values.port, 3)
  assert.deepEqual(parseArgs(['-b', 'c:1'], FLAGS, env).values.bootstrap, ['c:1'])
})

test('misuse is named', () => {
  const refused = (argv: string[], pattern: RegExp, env = {}) =>
    assert.throws(
      () => parseArgs(argv, FLAGS, env),
      (error) => error instanceof UsageError && pattern.test(error.message),
    )
  refused(['--prot', '1'], /unknown option --prot; did you mean --port\?/)
  refused(['-z'], /unknown option -z/)
  refused(['--port'], /--port needs a value/)
  refused(['--port', '70000'], /--port takes a whole number from 0 to 65535, not "70000"/)
  refused(['--port', '1.5'], /whole number/)
  refused(['--mode', 'c'], /--mode takes one of a, b/)
  refused(['--json=yes'], /--json takes no value/)
  refused(['--out='], /must not be empty/)
  refused([], /T_PORT takes a whole number/, { T_PORT: 'many' })
})

test('a dash alone is a positional: standard input', () => {
  assert.deepEqual(parseArgs(['-'], FLAGS, {}).positionals, ['-'])
})

test('nearest name within two edits', () => {
  assert.equal(nearest('dwonload', ['upload', 'download']), 'download')
  assert.equal(nearest('x', ['upload']), undefined)
})

test('help shows value, environment and choices', () => {
  const lines = describeFlags(FLAGS)
  assert.match(lines[0] as string, /-p, --port N\s+UDP port \[T_PORT\]/)
  assert.match(lines[2] as string, /--mode TEXT\s+mode \(a, b\)/)
})
