import assert from 'node:assert/strict'
import { test } from 'node:test'
import { utf8 } from '../../../src/base/index.ts'
import { encodeLayout, layoutFault, nameKind, tempName } from '../../../src/storage/layout.ts'

const fields = { schema: 1, scheme: 'suffix-hex', shard_chars: 2, depth: 1, name_encoding: 'lower-hex' }

test('our own layout file is the pretty JSON of the specification', () => {
  assert.equal(new TextDecoder().decode(encodeLayout()), JSON.stringify(fields, null, 2))
  assert.equal(layoutFault(encodeLayout()), undefined)
  assert.equal(layoutFault(utf8(JSON.stringify(fields))), undefined)
})

test('every other layout is refused', () => {
  const refuses = (text: string, why: RegExp) => assert.match(layoutFault(utf8(text)) ?? 'accepted', why)
  refuses('', /no JSON/)
  refuses('null', /no JSON object/)
  refuses('[]', /no JSON object/)
  refuses(JSON.stringify({ ...fields, schema: 2 }), /schema 2 is newer/)
  for (const [name, value] of [
    ['schema', 0],
    ['scheme', 'prefix-hex'],
    ['shard_chars', 3],
    ['depth', 2],
    ['name_encoding', 'upper-hex'],
    ['more', 1],
  ] as const) {
    refuses(JSON.stringify({ ...fields, [name]: value }), new RegExp(`"${name}" has another value`))
    const { [name]: _, ...without } = { ...fields, more: undefined }
    if (name !== 'more') refuses(JSON.stringify(without), new RegExp(`"${name}" has another value`))
  }
  assert.match(layoutFault(Uint8Array.of(0x22, 0xff, 0x22)) ?? '', /no JSON/)
})

test('names', () => {
  assert.equal(tempName(17, '00ff00ff', 3), '.tmp.17.00ff00ff.3')
  const kinds = {
    temp: ['.tmp.1.00000000.0', '.tmp.x'],
    shard: ['00', 'af'],
    chunk: ['a'.repeat(64)],
    upperCase: ['A'.repeat(64), `${'a'.repeat(63)}B`],
    other: ['AF', 'a', '.lock', 'layout.json', 'a'.repeat(63), 'g'.repeat(64), `${'a'.repeat(64)}\n`, '..'],
  }
  for (const [kind, names] of Object.entries(kinds)) for (const name of names) assert.equal(nameKind(name), kind, name)
})
