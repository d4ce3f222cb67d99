/**
 * VECTORS_DIR: a folder of other values of the same shape is what is run, by every suite: a copy of a file with one
 * digit changed must fail, and fail in few places.
 */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { test } from 'node:test'

const SUITES = join(import.meta.dirname, '../vector-suites')
const VECTORS = join(import.meta.dirname, '../vectors')
const RUNNER = join(SUITES, 'vectors.test.ts')

type Path = readonly (string | number)[]

/** Fields that describe. */
const WORDS = new Set(['name', 'case', 'note', 'description', 'label', 'role', 'display'])
/** Sections of files that no room reads yet: upgrades, what a client pays on a chain. */
const UNREAD = new Set(['rollout', 'user_agents', 'single_node_payment'])

/** The last hexadecimal value of some length: the farthest from what a suite looks at first. */
function lastPlace(document: Record<string, unknown>): Path | undefined {
  const read = Object.entries(document).filter(([name]) => !UNREAD.has(name))
  return lastHex(Object.fromEntries(read), [])
}

function lastHex(value: unknown, path: Path): Path | undefined {
  if (typeof value === 'string') return /^[0-9a-f]{40,}$/.test(value) ? path : undefined
  if (value === null || typeof value !== 'object') return undefined
  const entries = Object.entries(value).reverse()
  for (const [name, inner] of entries) {
    if (WORDS.has(name)) continue
    const found = lastHex(inner, [...path, Array.isArray(value) ? Number(name) : name])
    if (found) return found
  }
  return undefined
}

/** The copy with one digit changed. */
function changed(text: string, path: Path): string {
  const document = JSON.parse(text)
  const holder = path.slice(0, -1).reduce((at, name) => at[name], document)
  const last = path.at(-1) as string
  const value: string = holder[last]
  holder[last] = value.slice(0, -1) + (value.endsWith('0') ? '1' : '0')
  return JSON.stringify(document)
}

const suites = (await readdir(SUITES)).filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts'))

for (const suite of suites.sort()) {
  const name = basename(suite, '.ts')
  test(`${name}.json of another folder is read: one changed digit fails`, async () => {
    const folder = await mkdtemp(join(tmpdir(), 'myrmex-vectors-'))
    try {
      const text = await readFile(join(VECTORS, `${name}.json`), 'utf8')
      const path = lastPlace(JSON.parse(text))
      assert.ok(path, 'a place to change')
      await writeFile(join(folder, `${name}.json`), changed(text, path))
      const bad = await run(folder)
      assert.ok(bad.failed > 0, `${path.join('.')} was changed and nothing failed`)
      assert.ok(bad.passed > 0, 'the rest is as before')
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  })
}

test('an empty folder is an error, not a success', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'myrmex-vectors-'))
  try {
    assert.ok((await run(folder)).failed > 0)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
})

function run(folder: string): Promise<{ passed: number; failed: number; output: string }> {
  return new Promise((resolve, reject) => {
    const env = { ...process.env, VECTORS_DIR: folder }
    // A test process of its own, not a part of this one.
    delete (env as Record<string, string | undefined>)['NODE_TEST_CONTEXT']
    const child = spawn(process.execPath, ['--test', '--test-reporter=tap', RUNNER], {
      ...{ env, stdio: ['ignore', 'pipe', 'pipe'] },
    })
    const parts: Buffer[] = []
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (part: Buffer) => parts.push(part))
    child.on('error', reject)
    child.on('close', () => {
      const output = Buffer.concat(parts).toString('utf8')
      const count = (word: string) => Number(new RegExp(`^# ${word} (\\d+)$`, 'm').exec(output)?.[1] ?? 0)
      resolve({ passed: count('pass'), failed: count('fail'), output })
    })
  })
}
