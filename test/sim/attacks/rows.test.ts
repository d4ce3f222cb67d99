/** Every row of replication.md 28.2 to 28.4, and the part of 28.5 that needs no chain, has a test of its name. */
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'

const ROWS: Readonly<Record<string, readonly string[]>> = {
  '28.2': [
    'honest',
    'bootstrapping',
    'wrong target',
    'unknown pin; no commitment at all',
    'committed key, bytes gone',
    'slice happy path',
    'oversize',
    'session',
    'rate',
    'budget',
    'repeated honest audits',
    'restart',
  ],
  '28.3': [
    'relay with addresses only',
    'predict and fetch',
    'fabricated fraction x',
    'relay, auditor holds nothing',
    'fresh commitment substituted',
    'another peer’s commitment',
    'throw-away key under the victim’s id',
    'wrong signer, consistent ids',
    'replayed answer',
    'cut hash tampered; leaf dropped; leaves reordered; bytes_hash tampered',
    'bytes_hash != key',
    'pin repudiated',
    'omitted item, duplicate item, unrequested item',
    'right address, stale nonce',
    'lying content_len',
    'deleter',
    'binding',
  ],
  '28.4': [
    'pending flood from many ids',
    'fetch-queue flood',
    'one flooder, one honest peer',
    'counters',
    'state changes in place',
    'bounds are harmless',
    'bootstrap stall',
    'gossip flood',
    'commitment flood',
    'verification of 8193 keys',
    'sync flood',
    'slow chain RPC',
    'oversized subtree frames',
    'decoder fuzz',
  ],
  '28.5': [
    'no proof',
    'empty, < 32 B, > 524 288 B, garbage, zero quotes, merkle garbage, another address, tampered',
    'garbage to all nodes at once',
  ],
}

const TEST_FOLDER = join(import.meta.dirname, '../..')
const OWN_NAME = 'rows.test.ts'
/** Title of a test that runs: not one that is skipped or left to do. */
const TITLE = /^\s*test\(\s*(['"`])(.*?)\1\s*,\s*(?:async\s*)?\(/gm

function titles(): string[] {
  const names = readdirSync(TEST_FOLDER, { recursive: true, encoding: 'utf8' })
  const files = names.filter((name) => name.endsWith('.test.ts') && !name.endsWith(OWN_NAME))
  return files.flatMap((name) => {
    const text = readFileSync(join(TEST_FOLDER, name), 'utf8')
    return [...text.matchAll(TITLE)].map(([, , title]) => title as string)
  })
}

/** The row's own words first, then nothing, or what the test adds after a mark. */
function names(title: string, section: string, row: string): boolean {
  const start = `${section} ${row}`
  return title === start || (title.startsWith(start) && /[:;,]/.test(title[start.length] as string))
}

for (const [section, rows] of Object.entries(ROWS)) {
  test(`${section}: each of ${rows.length} rows has a test`, () => {
    const all = titles()
    const missing = rows.filter((row) => !all.some((title) => names(title, section, row)))
    assert.deepEqual(missing, [])
  })
}
