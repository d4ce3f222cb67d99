import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { PROFILES, type SettingSpec, show } from '../../../src/machine/index.ts'
import { SETTING_SPECS } from '../../../src/node/profile-specs.ts'

test('docs/profiles.md shows the values that are in force', async () => {
  const text = await readFile(join(import.meta.dirname, '../../../docs/profiles.md'), 'utf8')
  const rows = text.split('\n').filter((line) => line.startsWith('| `') && line.split('|').length === 7)
  const expected = Object.entries<SettingSpec>(SETTING_SPECS).map(([key, spec]) => {
    const cells = PROFILES.map((name) => (spec[name] === 0 && spec.zero ? spec.zero : show(spec[name], spec.unit)))
    return `| \`${key}\` | ${cells.join(' | ')} | ${spec.why} |`
  })
  assert.deepEqual(rows, expected)
})
