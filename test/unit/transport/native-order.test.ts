/** The two sides of the C ABI agree on the order of what crosses it as plain numbers. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import {
  nativeOptions,
  QUIC_DEFAULTS,
  type QuicOptions,
  resolveQuicOptions,
} from '../../../src/transport/quic/quic-options.ts'

const source = (name: string) => readFileSync(new URL(`../../../native/quic/src/${name}`, import.meta.url), 'utf8')

test('options go over in the order of options.rs, each one once', () => {
  const list = /\noptions! \{([^}]*)\}/.exec(source('options.rs'))?.[1] ?? ''
  const names = list
    .split(',')
    .map((name) => name.trim().replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase()))
    .filter((name) => name !== '')
  assert.deepEqual(new Set(names), new Set(Object.keys(QUIC_DEFAULTS)))
  // Every option gets a number of its own, so that a swap of two shows.
  const distinct = Object.fromEntries(names.map((name, i) => [name, 1000 + i])) as unknown as QuicOptions
  assert.deepEqual(
    [...nativeOptions(resolveQuicOptions(distinct))],
    names.map((_, i) => 1000 + i),
  )
})

test('numbers of events, ends and failures are those of the Rust side', async () => {
  const { FAILURE } = await import('../../../src/transport/quic/native-endpoint.ts')
  const failures = /enum FailureKind \{([\s\S]*?)\n\}/.exec(source('events.rs'))?.[1] ?? ''
  const numbers = [...failures.matchAll(/(\w+) = (\d+)/g)].map(([, name, number]) => [
    name?.toLowerCase(),
    Number(number),
  ])
  assert.deepEqual(Object.fromEntries(numbers), FAILURE)
})
