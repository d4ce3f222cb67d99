import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import * as audit from '../../../src/audit/index.ts'
import { atOnce, type Bytes, concat, equal, seededRandom, toHex, withPauses } from '../../../src/base/index.ts'
import { type ChunkAddress, chunkAddressOf, keyOf } from '../../../src/protocol/index.ts'
import { flipped, printedSeed, treeOf } from './world.ts'

const seed = printedSeed('commitment trees')
const random = seededRandom(seed)
const addresses = (count: number) => Array.from({ length: count }, () => chunkAddressOf(random.bytes(32)))
const BITS_OF_NONE = new Uint8Array(0)

/** The rule in its plainest form: all levels, an odd last node with itself. */
function naiveRoot(leaves: Uint8Array[]): Uint8Array {
  let level = leaves
  while (level.length > 1) {
    const above: Uint8Array[] = []
    for (let i = 0; i < level.length; i += 2) {
      above.push(audit.nodeHash(level[i] as Uint8Array, (level[i + 1] ?? level[i]) as Uint8Array))
    }
    level = above
  }
  return level[0] as Uint8Array
}

function naiveLeaf(address: ChunkAddress, pointers: ReadonlySet<ChunkAddress>): Uint8Array {
  const key = keyOf(address)
  return audit.leafHash(key, pointers.has(address) ? audit.pointerLeafHash(key) : key)
}

describe('trees', () => {
  test('of every size up to 70 and some larger ones: root, nodes and all paths', () => {
    for (const count of [...Array.from({ length: 70 }, (_, i) => i + 1), 127, 128, 129, 1000, 1025]) {
      const all = addresses(count)
      const pointers = new Set(all.filter((_, i) => i % 3 === 1))
      const tree = treeOf(
        all.filter((address) => !pointers.has(address)),
        pointers,
      )
      const sorted = all.toSorted()
      assert.equal(toHex(tree.root), toHex(naiveRoot(sorted.map((address) => naiveLeaf(address, pointers)))))
      for (let i = 0; i < count; i += count > 100 ? 37 : 1) {
        const leaf = naiveLeaf(sorted[i] as ChunkAddress, pointers)
        assert.equal(toHex(tree.node(0, i)), toHex(leaf))
        assert.ok(audit.verifyPath(leaf, i, count, tree.path(i), tree.root), `${count} keys, leaf ${i}`)
      }
    }
  })
  test('a path that was tampered with leads nowhere', () => {
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 300 }), fc.nat(), fc.nat(), (count, wanted, place) => {
        const tree = treeOf(addresses(count))
        const index = wanted % count
        const [leaf, path] = [tree.node(0, index), tree.path(index)]
        const verify = (changes: { leaf?: Uint8Array; at?: number; path?: Uint8Array[]; count?: number }) =>
          audit.verifyPath(
            changes.leaf ?? leaf,
            changes.at ?? index,
            changes.count ?? count,
            changes.path ?? path,
            tree.root,
          )
        assert.ok(verify({}))
        assert.equal(verify({ leaf: flipped(leaf, place % 32) }), false)
        const at = place % path.length
        assert.equal(verify({ path: path.with(at, flipped(path[at] as Bytes, place % 32)) }), false)
        assert.equal(verify({ path: path.slice(1) }), false)
        assert.equal(verify({ path: [...path, leaf] }), false)
        assert.equal(verify({ at: (index + 1) % count }), false)
        for (const wrong of [0, -1, index, 2 * count + 2, 1_000_001]) assert.equal(verify({ count: wrong }), false)
        assert.equal(verify({ at: -1 }), false)
      }),
      { seed, numRuns: 60 },
    )
  })
  test('more keys than a commitment may have lead nowhere, though the path has the right length', () => {
    const [leaf, path] = [random.bytes(32), Array.from({ length: 20 }, () => random.bytes(32))]
    const root = path.reduce((hash, sibling) => audit.nodeHash(hash, sibling), leaf)
    assert.ok(audit.verifyPath(leaf, 0, 1_000_000, path, root))
    assert.equal(audit.verifyPath(leaf, 0, 1_000_001, path, root), false)
  })
  test('what no tree can be built of is refused by name', () => {
    const keys = atOnce(audit.sortedEntries(addresses(3))).keys
    const [a, b] = [keys.subarray(0, 32), keys.subarray(32, 64)]
    const build = (count: number, bytes: Uint8Array) =>
      atOnce(audit.buildTree({ count, keys: bytes, pointers: new Uint8Array(1) }))
    assert.throws(() => build(0, BITS_OF_NONE), { name: 'AuditError', code: 'AUDIT_TREE_EMPTY' })
    assert.throws(() => build(2, concat([a, a])), { code: 'AUDIT_TREE_DUPLICATE' })
    assert.throws(() => build(2, concat([b, a])), { code: 'AUDIT_TREE_ORDER' })
    assert.throws(() => build(1_000_001, keys), { code: 'AUDIT_TREE_TOO_LARGE' })
    // Also across the border of two subtrees.
    const six = atOnce(audit.sortedEntries(addresses(6))).keys
    six.set(six.subarray(3 * 32, 4 * 32), 4 * 32)
    assert.throws(() => build(6, six), { code: 'AUDIT_TREE_DUPLICATE' })
    assert.equal(build(2, concat([a, b])).keyCount, 2)
  })
  test('the root binds every key, the hash it commits to, and what is a pointer', () => {
    const all = addresses(20)
    const root = toHex(treeOf(all).root)
    assert.equal(toHex(treeOf(all.toReversed()).root), root)
    assert.notEqual(toHex(treeOf(all.slice(1)).root), root)
    assert.notEqual(toHex(treeOf(all.slice(1), all.slice(0, 1)).root), root)
    assert.notEqual(toHex(treeOf([...all.slice(1), ...addresses(1)]).root), root)
  })
})

describe('entries', () => {
  test('are sorted, without duplicates, and a chunk wins over a pointer of its address', () => {
    const [a, b, c] = addresses(3).toSorted() as [ChunkAddress, ChunkAddress, ChunkAddress]
    const entries = atOnce(audit.sortedEntries([c, a, c], [b, a, b]))
    assert.equal(entries.count, 3)
    assert.equal(toHex(entries.keys), a + b + c)
    assert.deepEqual(
      [0, 1, 2].map((i) => audit.isPointer(entries, i)),
      [false, true, false],
    )
  })
  test('beyond the limit the smallest stay', () => {
    const all = addresses(100)
    const entries = atOnce(audit.sortedEntries(all, [], 10))
    assert.equal(toHex(entries.keys), all.toSorted().slice(0, 10).join(''))
    assert.equal(atOnce(audit.sortedEntries([])).count, 0)
  })
  test('any list comes out in the order of its texts', () => {
    // Few different bytes: long common beginnings.
    const address = fc.array(fc.constantFrom('00', '01', 'ff'), { minLength: 32, maxLength: 32 })
    const list = fc.array(
      address.map((bytes) => bytes.join('') as ChunkAddress),
      { maxLength: 60 },
    )
    fc.assert(
      fc.property(list, list, (chunks, pointers) => {
        const entries = atOnce(audit.sortedEntries(chunks, pointers))
        const expected = [...new Set([...chunks, ...pointers])].sort()
        assert.equal(toHex(entries.keys), expected.join(''))
        for (const [i, key] of expected.entries()) {
          assert.equal(audit.indexOfKey(entries, keyOf(key)), i)
          assert.equal(audit.isPointer(entries, i), !chunks.includes(key))
        }
        const absent = keyOf('7f'.repeat(32) as ChunkAddress)
        assert.equal(audit.indexOfKey(entries, absent), undefined)
      }),
      { seed, numRuns: 100 },
    )
  })
})

test('a long build stops often, and its end does not depend on the pauses', async () => {
  const all = addresses(30_000)
  let pauses = 0
  const breathe = async () => void pauses++
  const entries = await withPauses(audit.sortedEntries(all), breathe)
  const tree = await withPauses(audit.buildTree(entries), breathe)
  assert.ok(equal(tree.root, treeOf(all).root))
  // 30 000 x 15 comparisons by 4096, and 118 subtrees.
  assert.ok(pauses > 200, `${pauses} pauses`)
})
