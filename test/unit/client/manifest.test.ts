import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { utf8 } from '../../../src/base/index.ts'
import {
  decodeManifest,
  encodeManifest,
  looksLikeManifest,
  MANIFEST_MAGIC,
  type Manifest,
  type ManifestEntry,
} from '../../../src/client/manifest.ts'
import { linkFault, pathFault } from '../../../src/client/manifest-paths.ts'

const map = new Uint8Array([0x93, 1, 2, 3])

function entry(path: string, rest: Partial<ManifestEntry> = {}): ManifestEntry {
  return { path, mode: 0o644, kind: 'inline', content: new Uint8Array(), ...rest } as ManifestEntry
}

const sample: Manifest = {
  mode: 0o755,
  entries: [
    { path: 'a', mode: 0o700, kind: 'directory' },
    { path: 'a!', mode: 0o644, kind: 'inline', content: new Uint8Array([1]) },
    { path: 'a/b', mode: 0o755, kind: 'file', size: 2 ** 40, dataMap: map },
    { path: 'a/l', mode: 0o777, kind: 'symlink', target: '../a!' },
    { path: 'ü', mode: 0, kind: 'inline', content: new Uint8Array() },
  ],
}

describe('manifest', () => {
  it('round trip, and any order gives the same bytes', () => {
    const bytes = encodeManifest(sample)
    assert.ok(looksLikeManifest(bytes))
    assert.deepEqual(decodeManifest(bytes), sample)
    assert.deepEqual(encodeManifest({ ...sample, entries: sample.entries.toReversed() }), bytes)
  })

  it('has the layout that is written down', () => {
    const bytes = encodeManifest({ mode: 0o755, entries: [entry('f', { content: new Uint8Array([7]) })] })
    assert.deepEqual([...bytes], [...MANIFEST_MAGIC, 1, 0xed, 1, 1, 0, 0, 0, 2, 0xa4, 1, 1, 0, 0x66, 1, 7])
    assert.equal(MANIFEST_MAGIC.length, 15)
  })

  it('any directory round trips (property)', () => {
    const name = fc
      .string({ unit: 'grapheme', minLength: 1, maxLength: 12 })
      .filter((text) => pathFault(text) === undefined && !text.includes('/'))
    const leaf = fc.oneof(
      fc.record({ kind: fc.constant('inline' as const), content: fc.uint8Array({ maxLength: 2 }) }),
      fc.record({
        kind: fc.constant('file' as const),
        size: fc.integer({ min: 3, max: Number.MAX_SAFE_INTEGER }),
        dataMap: fc.uint8Array({ minLength: 1, maxLength: 400 }),
      }),
      fc.record({
        kind: fc.constant('symlink' as const),
        target: name.filter((text) => linkFault('x', text) === undefined),
      }),
    )
    const tree = fc.uniqueArray(fc.tuple(name, fc.nat(0o777), fc.array(fc.tuple(name, leaf), { maxLength: 4 })), {
      selector: ([path]) => path,
      maxLength: 6,
    })
    fc.assert(
      fc.property(tree, (folders) => {
        const entries = new Map<string, ManifestEntry>()
        for (const [folder, mode, leaves] of folders) {
          entries.set(folder, { path: folder, mode, kind: 'directory' })
          for (const [path, rest] of leaves)
            entries.set(`${folder}/${path}`, { path: `${folder}/${path}`, mode, ...rest })
        }
        const bytes = encodeManifest({ mode: 0o700, entries: [...entries.values()] })
        const decoded = decodeManifest(bytes)
        assert.equal(decoded.entries.length, entries.size)
        for (const one of decoded.entries) assert.deepEqual(one, entries.get(one.path))
        assert.deepEqual(encodeManifest(decoded), bytes)
      }),
    )
  })

  it('every truncation and every trailing byte is refused', () => {
    const bytes = encodeManifest(sample)
    for (let length = 0; length < bytes.length; length++) {
      assert.throws(
        () => decodeManifest(bytes.subarray(0, length)),
        { code: 'CLIENT_BAD_MANIFEST' },
        `length ${length}`,
      )
    }
    assert.throws(() => decodeManifest(new Uint8Array([...bytes, 0])), { code: 'CLIENT_BAD_MANIFEST' })
  })

  it('changed bytes: refused with a code, or one encoding of what was read (fuzz)', () => {
    const bytes = encodeManifest(sample)
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(bytes.length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 }),
        (changes) => {
          const changed = bytes.slice()
          for (const [at, value] of changes) changed[at] = value
          let decoded: Manifest
          try {
            decoded = decodeManifest(changed)
          } catch (error) {
            assert.match((error as { code: string }).code, /^CLIENT_(BAD_MANIFEST|UNSAFE_PATH)$/)
            return
          }
          assert.deepEqual(encodeManifest(decoded), changed)
        },
      ),
      { numRuns: 2000 },
    )
  })

  it('random bytes behind the magic never crash (fuzz)', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (tail) => {
        try {
          decodeManifest(new Uint8Array([...MANIFEST_MAGIC, 1, ...tail]))
        } catch (error) {
          assert.match((error as { code: string }).code, /^CLIENT_(BAD_MANIFEST|UNSAFE_PATH)$/)
        }
      }),
      { numRuns: 2000 },
    )
  })

  it('a later version is refused with a hint', () => {
    const bytes = encodeManifest(sample)
    bytes[15] = 2
    assert.throws(() => decodeManifest(bytes), { code: 'CLIENT_BAD_MANIFEST', message: /version 2.*newer/ })
  })

  it('a count that cannot be is refused before anything is allocated', () => {
    const header = [...MANIFEST_MAGIC, 1, 0, 0]
    assert.throws(() => decodeManifest(new Uint8Array([...header, 0xff, 0xff, 0xff, 0xff])), {
      code: 'CLIENT_BAD_MANIFEST',
    })
    assert.throws(() => decodeManifest(new Uint8Array([...header, 0x00, 0x01, 0, 0])), { code: 'CLIENT_BAD_MANIFEST' })
  })

  it('names that are not text are refused', () => {
    assert.throws(() => encodeManifest({ mode: 0, entries: [entry('\ud800')] }), { code: 'CLIENT_UNSAFE_PATH' })
    const bytes = rawManifest([entry('ab')])
    bytes[bytes.length - 2] = 0xff
    assert.throws(() => decodeManifest(bytes), { code: 'CLIENT_BAD_MANIFEST' })
  })

  const hostile: { name: string; entries: ManifestEntry[]; code?: string }[] = [
    { name: 'an absolute path', entries: [entry('/etc/passwd')] },
    { name: 'a way up', entries: [entry('../x')] },
    { name: 'a way up inside', entries: [entry('a', { kind: 'directory' }), entry('a/../../x')] },
    { name: 'a dot', entries: [entry('./x')] },
    { name: 'an empty name', entries: [entry('')] },
    { name: 'two slashes', entries: [entry('a', { kind: 'directory' }), entry('a//b')] },
    { name: 'a slash at the end', entries: [entry('a/')] },
    { name: 'a NUL', entries: [entry('a\0b')] },
    { name: 'a line break', entries: [entry('a\nb')] },
    { name: 'an escape character', entries: [entry('\u001b[31m')] },
    { name: 'a long name', entries: [entry('x'.repeat(256))] },
    { name: 'a file below a file', entries: [entry('a'), entry('a/b')] },
    { name: 'a file below a link', entries: [entry('a', { kind: 'symlink', target: 'b' }), entry('a/b')] },
    { name: 'a file without its folder', entries: [entry('a/b')] },
    { name: 'a link to an absolute path', entries: [entry('l', { kind: 'symlink', target: '/etc' })] },
    { name: 'a link that goes up', entries: [entry('l', { kind: 'symlink', target: '../x' })] },
    { name: 'the same path twice', entries: [entry('a'), entry('a')], code: 'CLIENT_BAD_MANIFEST' },
    { name: 'a big inline file', entries: [entry('a', { content: new Uint8Array(3) })], code: 'CLIENT_BAD_MANIFEST' },
    {
      name: 'a small file with a map',
      entries: [entry('a', { kind: 'file', size: 2, dataMap: map })],
      code: 'CLIENT_BAD_MANIFEST',
    },
    {
      name: 'a file without a map',
      entries: [entry('a', { kind: 'file', size: 5, dataMap: new Uint8Array() })],
      code: 'CLIENT_BAD_MANIFEST',
    },
  ]
  for (const { name, entries, code = 'CLIENT_UNSAFE_PATH' } of hostile) {
    it(`refuses ${name}, when written and when read`, () => {
      assert.throws(() => encodeManifest({ mode: 0o755, entries }), { code })
      // The same as raw bytes, as a stranger would send it.
      assert.throws(() => decodeManifest(rawManifest(entries)), { code: /^CLIENT_(UNSAFE_PATH|BAD_MANIFEST)$/ })
    })
  }
})

function rawManifest(entries: readonly ManifestEntry[]): Uint8Array {
  const bytes: number[] = [...MANIFEST_MAGIC, 1, 0xed, 1, entries.length, 0, 0, 0]
  const u16 = (value: number) => [value & 255, value >> 8]
  for (const one of entries) {
    const path = utf8(one.path)
    bytes.push(
      ['directory', 'file', 'inline', 'symlink'].indexOf(one.kind),
      ...u16(one.mode),
      ...u16(path.length),
      ...path,
    )
    if (one.kind === 'file') bytes.push(one.size, 0, 0, 0, 0, 0, 0, 0, one.dataMap.length, 0, 0, 0, ...one.dataMap)
    if (one.kind === 'inline') bytes.push(one.content.length, ...one.content)
    if (one.kind === 'symlink') bytes.push(...u16(utf8(one.target).length), ...utf8(one.target))
  }
  return new Uint8Array(bytes)
}

describe('links', () => {
  const cases: [string, string, boolean][] = [
    ['l', 'a', true],
    ['l', './a/./b/', true],
    ['l', '.', true],
    ['l', '..', false],
    ['d/l', '..', true],
    ['d/l', '../a', true],
    ['d/l', '../../a', false],
    ['d/e/l', '../../a', true],
    ['d/l', 'a/..', false],
    ['d/l', 'a/../../..', false],
    ['l', '', false],
    ['l', '/', false],
    ['l', 'C:\\Windows', false],
    ['l', 'C:x', false],
    ['l', '..\\x', false],
    ['l', 'a\0', false],
  ]
  for (const [path, target, allowed] of cases) {
    it(`${path} -> ${JSON.stringify(target)} ${allowed ? 'stays inside' : 'is refused'}`, () => {
      assert.equal(linkFault(path, target) === undefined, allowed)
    })
  }

  it('links through links stay inside: what is allowed by its text cannot escape on disk (property)', () => {
    const name = fc.constantFrom('a', 'b', 'c', 'l', 'm')
    const target = fc.array(fc.constantFrom('..', '.', 'a', 'b', 'c', 'l', 'm'), { minLength: 1, maxLength: 6 })
    const link = fc.tuple(fc.array(name, { minLength: 1, maxLength: 3 }), target)
    fc.assert(
      fc.property(fc.array(link, { minLength: 1, maxLength: 5 }), fc.array(name, { maxLength: 4 }), (links, way) => {
        const table = new Map<string, string[]>()
        for (const [path, parts] of links) {
          const text = path.join('/')
          const below = [...table.keys()].some((other) => text.startsWith(`${other}/`) || other.startsWith(`${text}/`))
          if (!below && linkFault(text, parts.join('/')) === undefined) table.set(text, parts)
        }
        // Walks like a kernel does: -1 would be outside of the root.
        const at: string[] = []
        const rest: string[] = [...way]
        for (let steps = 0; rest.length > 0 && steps < 100; steps++) {
          const next = rest.shift() as string
          if (next === '.') continue
          if (next === '..') {
            assert.ok(at.length > 0, 'left the folder')
            at.pop()
            continue
          }
          const jump = table.get([...at, next].join('/'))
          if (jump) rest.unshift(...jump)
          else at.push(next)
        }
      }),
      { numRuns: 3000 },
    )
  })
})
