/**
 * Bao slices and nonced paths of every backend: odd arguments end in a CryptoError, all backends cut the same bytes, and
 * a proof that was changed anywhere proves nothing but the block itself.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { blockKey, verifyNoncedBlock } from '../../src/audit/index.ts'
import { type Bytes, KiB, randomBelow, seededRandom, toHex } from '../../src/base/index.ts'
import { AUDIT_BLOCK_BYTES, blockCount, CryptoError, verifyBaoSlice } from '../../src/crypto/index.ts'
import { chunkAddressOf, peerIdOf } from '../../src/protocol/index.ts'
import { backendsUnderTest, presentBackends } from '../support/backends.ts'
import { hostileEncoding } from './hostile-input.ts'
import { RUNS, SEED } from './targets/run.ts'

const CONTENTS = 40
const LENGTHS = [0, 1, 1023, 1024, 1025, 2048, 2049, 5000, 65_536, 70_001]
const random = seededRandom(SEED)

interface Proven {
  readonly content: Bytes
  readonly index: number
  readonly slice: Bytes
  readonly root: Bytes
  readonly siblings: readonly Bytes[]
  readonly noncedRoot: Bytes
  readonly key: Uint8Array
}

const contents = Array.from({ length: CONTENTS }, (_, i) => random.bytes(LENGTHS[i] ?? randomBelow(random, 200 * KiB)))

function proofsOf(backend: ReturnType<typeof presentBackends>[0]): Proven[] {
  const dice = seededRandom(SEED + 1)
  return contents.map((content) => {
    const key = blockKey(
      { nonce: dice.bytes(32), challengedPeer: peerIdOf(dice.bytes(32)) },
      chunkAddressOf(dice.bytes(32)),
    )
    const index = randomBelow(dice, blockCount(content.length))
    const path = backend.noncedPath(key, content, index)
    const siblings = Array.from({ length: path.length / 32 }, (_, i) => path.slice(i * 32, i * 32 + 32))
    const slice = backend.baoSlice(content, index)
    return {
      content,
      index,
      slice,
      root: backend.blake3(content),
      siblings,
      noncedRoot: backend.noncedRoot(key, content),
      key,
    }
  })
}

function block({ content, index }: Proven): Bytes {
  return content.slice(index * AUDIT_BLOCK_BYTES, (index + 1) * AUDIT_BLOCK_BYTES)
}

test('all backends cut the same slices and paths', () => {
  const all = presentBackends().map(proofsOf)
  assert.ok(all.length >= 2)
  for (const proofs of all) assert.deepEqual(proofs, all[0], `seed ${SEED}`)
})

for (const { name, backend, skip } of backendsUnderTest()) {
  test(`${name}: odd arguments end in a CryptoError or in the right bytes`, { skip }, () => {
    assert.ok(backend)
    const odd = [-1, -0.5, 0.5, Number.NaN, Infinity, -Infinity, 2 ** 31, 2 ** 32, 2 ** 53, 2 ** 32 + 1]
    const key = random.bytes(32)
    for (const content of contents.slice(0, 12)) {
      for (const index of [...odd, blockCount(content.length), blockCount(content.length) + 1]) {
        const refused = (work: () => unknown) =>
          assert.throws(
            work,
            (error) => error instanceof CryptoError,
            `${name}, ${content.length} bytes, block ${index}`,
          )
        refused(() => backend.baoSlice(content, index))
        refused(() => backend.noncedPath(key, content, index))
      }
      for (const bytes of [0, 1, 31, 33, 64])
        assert.throws(
          () => backend.noncedPath(new Uint8Array(bytes), content, 0),
          CryptoError,
          `${name}, key of ${bytes}`,
        )
    }
  })

  test(`${name}: a changed slice proves nothing, or the block itself`, { skip }, () => {
    assert.ok(backend)
    const proofs = proofsOf(backend)
    let [kept, refused] = [0, 0]
    for (let run = 0; run < RUNS; run++) {
      const proven = proofs[randomBelow(random, proofs.length)] as Proven
      const other = proofs[randomBelow(random, proofs.length)] as Proven
      const slice = hostileEncoding(random, proven.slice, other.slice)
      const index = randomBelow(random, 5) === 0 ? randomBelow(random, 300) - 5 : proven.index
      const length = randomBelow(random, 5) === 0 ? randomBelow(random, 200 * KiB) : proven.content.length
      const found = verifyBaoSlice(slice, proven.root, length, index)
      if (found === undefined) {
        refused++
        continue
      }
      kept++
      const where = `seed ${SEED}, run ${run}: ${toHex(slice.subarray(0, 100))}`
      assert.equal(length, proven.content.length, where)
      assert.equal(toHex(found), toHex(block({ ...proven, index })), where)
    }
    assert.ok(kept > 0 && refused > RUNS / 3, `${kept} kept, ${refused} refused`)
  })

  test(`${name}: a changed path, block, index or length reaches no nonced root`, { skip }, () => {
    assert.ok(backend)
    const proofs = proofsOf(backend)
    for (const proven of proofs)
      assert.ok(verifyNoncedBlock(treeOf(proven), proven.index, block(proven), proven.siblings), 'unchanged')
    for (let run = 0; run < RUNS / 5; run++) {
      const proven = proofs[randomBelow(random, proofs.length)] as Proven
      const siblings = proven.siblings.map((hash) => hash.slice())
      const bytes = block(proven)
      let [index, length] = [proven.index, proven.content.length]
      switch (randomBelow(random, 5)) {
        case 0:
          siblings.splice(randomBelow(random, siblings.length + 1), 0, random.bytes(32))
          break
        case 1:
          if (siblings.length === 0) continue
          siblings.splice(randomBelow(random, siblings.length), 1)
          break
        case 2: {
          const changed = [bytes, ...siblings][randomBelow(random, siblings.length + 1)] as Bytes
          if (changed.length === 0) continue
          changed[randomBelow(random, changed.length)]! ^= 1 << randomBelow(random, 8)
          break
        }
        case 3:
          index += 1 + randomBelow(random, 5)
          break
        default:
          // A length is held to account by the last block that it claims, as an auditor opens it.
          length += 1 + randomBelow(random, 3000)
          index = blockCount(length) - 1
      }
      const tree = { ...treeOf(proven), contentLength: length }
      assert.equal(verifyNoncedBlock(tree, index, bytes, siblings), false, `seed ${SEED}, run ${run}`)
    }
  })
}

function treeOf({ noncedRoot, content, key }: Proven) {
  return { root: noncedRoot, contentLength: content.length, key }
}
