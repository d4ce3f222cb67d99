import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { type House, violations } from './layering.ts'
import { DRIVERS, ROOMS } from './rooms.ts'

const source = join(import.meta.dirname, '../../src')

function readHouse(): House {
  const files = new Map<string, string>()
  for (const entry of readdirSync(source, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile() || !entry.name.endsWith('.ts')) continue
    const path = join(entry.parentPath, entry.name)
    files.set(path.slice(source.length + 1), readFileSync(path, 'utf8'))
  }
  return { files, rooms: ROOMS, drivers: DRIVERS }
}

test('the house keeps its layering rule', () => {
  assert.deepEqual(violations(readHouse()), [])
})

test('the table itself only falls', () => {
  for (const [name, room] of Object.entries(ROOMS)) {
    for (const target of room.mayImport) {
      assert.ok(ROOMS[target], `${name} may import ${target}, which is no room`)
      assert.ok(ROOMS[target].rank < room.rank, `${name} (${room.rank}) may import ${target} (${ROOMS[target].rank})`)
    }
  }
})

test('every planted break is found, each by its own message', () => {
  const rooms = { low: { rank: 0, mayImport: [] }, high: { rank: 1, mayImport: ['low'] } }
  const sound = new Map([
    ['low/index.ts', `export * from './thing.ts'\n`],
    ['low/thing.ts', `// Date.now() in a comment is fine\nexport const thing = 1\n`],
    ['high/index.ts', `import { thing } from '../low/index.ts'\nexport const more = thing\n`],
    ['high/driver.ts', `import { readFile } from 'node:fs/promises'\nexport { readFile }\n`],
  ])
  const check = (change: Record<string, string>) =>
    violations({ files: new Map([...sound, ...Object.entries(change)]), rooms, drivers: ['high/driver.ts'] })
  assert.deepEqual(check({}), [])
  const breaks: [string, Record<string, string>, RegExp][] = [
    [
      'upward import',
      { 'low/thing.ts': `import { more } from '../high/index.ts'\nexport const thing = more\n` },
      /low may not import high/,
    ],
    [
      'bypassed door',
      { 'high/index.ts': `import { thing } from '../low/thing.ts'\nexport const more = thing\n` },
      /goes past the door of low/,
    ],
    ['stranger', { 'utils/index.ts': 'export {}\n' }, /"utils" is not in the table/],
    ['clock', { 'low/thing.ts': 'export const thing = Date.now()\n' }, /reads the real clock/],
    ['dice', { 'low/thing.ts': 'export const thing = Math.random()\n' }, /rolls real dice/],
    ['timer', { 'low/thing.ts': 'export const thing = setTimeout(() => {}, 1)\n' }, /starts a real timer/],
    [
      'socket',
      { 'low/thing.ts': `import dgram from 'node:dgram'\nexport const thing = dgram\n` },
      /driver module of node/,
    ],
    ['environment', { 'low/thing.ts': `export const thing = process.env['X']\n` }, /reads the process/],
    [
      'missing file',
      { 'high/index.ts': `import { thing } from './gone.ts'\nexport const more = thing\n` },
      /which is not there/,
    ],
    [
      'cycle',
      {
        'low/a.ts': `import { b } from './b.ts'\nexport const a = b\n`,
        'low/b.ts': `import { a } from './a.ts'\nexport const b = a\n`,
      },
      /import cycle: low\/a\.ts -> low\/b\.ts/,
    ],
  ]
  for (const [name, change, expected] of breaks) {
    const found = check(change)
    assert.ok(
      found.some((line) => expected.test(line)),
      `${name}: ${JSON.stringify(found)}`,
    )
  }
})
