/** A decoder that is exported must be fuzzed: `covers` of the targets names them all, and nothing that is not there. */
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import * as audit from '../../src/audit/index.ts'
import * as protocol from '../../src/protocol/index.ts'
import { AUDIT_TARGETS } from './targets/audit.ts'
import { PROTOCOL_TARGETS } from './targets/protocol.ts'
import { DHT_TARGETS, REPLICATION_TARGETS, STORAGE_TARGETS } from './targets/state-files.ts'
import type { FuzzTarget } from './targets/target.ts'

const DECODER = /^(decode|parse|tryParse|read)[A-Z]/
/** Readers of the format itself run under every target; a ceiling is looked up before each decoding. */
const names = (room: object) =>
  Object.entries(room).flatMap(([name, value]) => (typeof value === 'function' && DECODER.test(name) ? [name] : []))
const listed = (targets: readonly FuzzTarget[]) => targets.flatMap(({ covers }) => covers)

for (const [room, exported, targets] of [
  ['protocol', names(protocol), PROTOCOL_TARGETS],
  ['audit', names(audit), AUDIT_TARGETS],
] as const) {
  test(`${room}: each of ${exported.length} exported decoders is fuzzed`, () => {
    assert.ok(exported.length > 0)
    assert.deepEqual(listed(targets).sort(), [...exported].sort())
  })
}

/** Functions exported by a file of a room, whether its door shows them or not. */
function exportedBy(room: string, pattern: RegExp): string[] {
  const folder = join(import.meta.dirname, '../../src', room)
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts'))
  return files.flatMap((name) => {
    const text = readFileSync(join(folder, name), 'utf8')
    return [...text.matchAll(/^export (?:async )?function (\w+)/gm)].flatMap(([, found]) =>
      pattern.test(found as string) ? [found as string] : [],
    )
  })
}

test('storage: each state file is fuzzed', () => {
  assert.deepEqual(listed(STORAGE_TARGETS).sort(), exportedBy('storage', /^(decode|parse)[A-Z]|^layoutFault$/).sort())
})

test('dht: each of its files is fuzzed', () => {
  assert.deepEqual(listed(DHT_TARGETS).sort(), exportedBy('dht', /^parse[A-Z]/).sort())
})

test('replication: its memory is fuzzed', () => {
  assert.deepEqual(listed(REPLICATION_TARGETS).sort(), exportedBy('replication', /^(decode|parse)[A-Z]/).sort())
})

test('storage reads no other state file', () => {
  const folder = join(import.meta.dirname, '../../src/storage')
  const readers = readdirSync(folder).filter((name) => {
    const text = readFileSync(join(folder, name), 'utf8')
    return /JSON\.parse\(|new StateFile\(/.test(text)
  })
  // Who reads one has its decoder above: the scrubber's cursor, the timers, the layout.
  assert.deepEqual(readers.sort(), ['layout.ts', 'out-of-range-store.ts', 'scrub-cursor.ts', 'scrubber.ts'])
})
