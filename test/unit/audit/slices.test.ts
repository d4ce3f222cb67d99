/** Round 2: what an auditor asks, and every answer that must not pass (replication.md 17, 28.3). */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import * as audit from '../../../src/audit/index.ts'
import { concat, minute } from '../../../src/base/index.ts'
import { blockCount } from '../../../src/crypto/index.ts'
import {
  type ChunkAddress,
  createPointer,
  keyOf,
  type SliceItem,
  type SubtreeLeaf,
} from '../../../src/protocol/index.ts'
import {
  addChunk,
  answerRoundOne,
  answerRoundTwo,
  challengeTo,
  commit,
  createWorld,
  flipped,
  kernels,
  type Node,
  printedSeed,
  roundTwo,
} from './world.ts'

const world = createWorld(printedSeed('slices'))
const { random, verifier } = world

async function scene(chunks = 4, pointers = 0, bytes = 3000) {
  const node = await world.node(chunks, { pointers, bytes })
  const signed = await commit(node)
  const first = challengeTo(node, signed, random)
  const { proof } = await answerRoundOne(node, signed, first)
  const challenge = roundTwo(first, proof.leaves, random)
  return { node, first, challenge, leaves: proof.leaves, items: await answerRoundTwo(node, challenge) }
}

async function verdict(items: readonly SliceItem[], challenge: audit.RoundTwo): Promise<string> {
  const result = { kind: 'items', challengeId: challenge.challengeId, items } as const
  return (await audit.judgeRoundTwo(result, challenge, verifier)).kind
}

const present = (items: readonly SliceItem[]) =>
  items.filter((item): item is Extract<SliceItem, { kind: 'present' }> => item.kind === 'present')

describe('openings', () => {
  const leaf = (contentLength: number): SubtreeLeaf => {
    const key = [...random.bytes(32)].map((byte) => byte.toString(16).padStart(2, '0')).join('') as ChunkAddress
    return { key, bytesHash: keyOf(key), contentLength, noncedRoot: random.bytes(32) }
  }
  test('five leaves at most, of each a block by chance and the last one', () => {
    const leaves = Array.from({ length: 50 }, () => leaf(10_000))
    for (let i = 0; i < 50; i++) {
      const openings = audit.chooseOpenings(leaves, random)
      const keys = new Set(openings.map(({ key }) => key))
      assert.equal(keys.size, 5)
      assert.ok(openings.length <= 10)
      for (const key of keys) {
        const blocks = openings.filter((opening) => opening.key === key).map(({ blockIndex }) => blockIndex)
        assert.ok(blocks.includes(9))
        assert.equal(new Set(blocks).size, blocks.length)
        assert.ok(blocks.every((block) => block >= 0 && block <= 9))
      }
    }
  })
  test('every leaf and every block has its turn', () => {
    const leaves = Array.from({ length: 8 }, () => leaf(5000))
    const seen = new Set<string>()
    for (let i = 0; i < 400; i++)
      for (const { key, blockIndex } of audit.chooseOpenings(leaves, random)) seen.add(`${key}/${blockIndex}`)
    assert.equal(seen.size, 8 * 5)
  })
  test('one opening where the block by chance is the last one', () => {
    for (const length of [0, 1, 1024]) assert.equal(audit.chooseOpenings([leaf(length)], random).length, 1)
    assert.deepEqual(audit.chooseOpenings([], random), [])
  })
  test('a challenge that asks too much is refused before anything is read', () => {
    const leaves = Array.from({ length: 7 }, () => leaf(100_000))
    const audited = new Set(leaves.map(({ key }) => key))
    const ask = (counts: readonly number[]) =>
      counts.flatMap((count, i) =>
        Array.from({ length: count }, (_, blockIndex) => ({ key: (leaves[i] as SubtreeLeaf).key, blockIndex })),
      )
    assert.equal(audit.checkOpenings(ask([2, 2, 2, 2, 2]), audited), undefined)
    assert.equal(audit.checkOpenings(ask([10]), audited), undefined)
    assert.equal(audit.checkOpenings([], audited), undefined)
    assert.equal(audit.checkOpenings(ask([11]), audited), 'openings')
    assert.equal(audit.checkOpenings(ask([1, 1, 1, 1, 1, 1]), audited), 'keys')
    audited.delete((leaves[0] as SubtreeLeaf).key)
    assert.equal(audit.checkOpenings(ask([1, 1]), audited), 'outside')
  })
})

describe('items', () => {
  test('those of an honest node pass in any order', async () => {
    const { challenge, items } = await scene(3, 1)
    assert.equal(await verdict(items, challenge), 'pass')
    assert.equal(await verdict(items.toReversed(), challenge), 'pass')
  })
  test('omitted, duplicate, unrequested', async () => {
    const { challenge, items, node } = await scene()
    const [one] = present(items) as [Extract<SliceItem, { kind: 'present' }>]
    for (const at of items.keys()) assert.equal(await verdict(items.toSpliced(at, 1), challenge), 'digestMismatch')
    assert.equal(await verdict([], challenge), 'digestMismatch')
    assert.equal(await verdict([...items, one], challenge), 'malformed')
    const stranger = addChunk(node, random.bytes(100))
    assert.equal(await verdict([...items, { ...one, key: stranger }], challenge), 'malformed')
    assert.equal(await verdict([...items, { kind: 'absent', key: stranger }], challenge), 'malformed')
    assert.equal(await verdict([...items, { ...one, blockIndex: 4_000_000 }], challenge), 'malformed')
  })
  test('a block of an audited key that was not asked for is unrequested', async () => {
    const node = await world.node(0)
    const key = addChunk(node, random.bytes(20_000))
    const signed = await commit(node)
    const first = challengeTo(node, signed, random)
    const { proof } = await answerRoundOne(node, signed, first)
    const challenge = roundTwo(first, proof.leaves, random)
    const items = await answerRoundTwo(node, challenge)
    const free = Array.from({ length: 20 }, (_, i) => i).find(
      (index) => !challenge.openings.some(({ blockIndex }) => blockIndex === index),
    ) as number
    const more = await audit.openBlock({ key, blockIndex: free }, node.contents.get(key) as never, challenge, kernels)
    assert.equal(await verdict([...items, more as SliceItem], challenge), 'malformed')
  })
  test('absent keys, and absent keys that are there too', async () => {
    const { challenge, items } = await scene()
    const { key } = items[0] as SliceItem
    const rest = items.filter((item) => item.key !== key)
    assert.equal(await verdict([{ kind: 'absent', key }, ...rest], challenge), 'keyAbsent')
    assert.equal(await verdict([{ kind: 'absent', key }, { kind: 'absent', key }, ...rest], challenge), 'malformed')
    assert.equal(await verdict([{ kind: 'absent', key }, ...items], challenge), 'malformed')
  })
  test('the wrong kind for the leaf', async () => {
    // Chunks of one block, so that block 0 was asked for of both kinds.
    const { challenge, items } = await scene(2, 2, 900)
    const pointer = items.find(({ kind }) => kind === 'pointerRecord') as Extract<SliceItem, { kind: 'pointerRecord' }>
    const [chunk] = present(items) as [Extract<SliceItem, { kind: 'present' }>]
    const swapped = (old: SliceItem, item: SliceItem) => items.map((each) => (each === old ? item : each))
    const chunkAsPointer = swapped(chunk, { kind: 'pointerRecord', key: chunk.key, records: pointer.records })
    assert.equal(await verdict(chunkAsPointer, challenge), 'malformed')
    const pointerAsChunk = swapped(pointer, { ...chunk, key: pointer.key, blockIndex: 0 })
    assert.equal(await verdict(pointerAsChunk, challenge), 'malformed')
    for (const records of [[], [...pointer.records, ...pointer.records, ...pointer.records]])
      assert.equal(await verdict(swapped(pointer, { ...pointer, records }), challenge), 'malformed')
  })
  test('an answer to another challenge, and answers that are none', async () => {
    const { challenge, items } = await scene()
    const judge = (result: Parameters<typeof audit.judgeRoundTwo>[0]) =>
      audit.judgeRoundTwo(result, challenge, verifier)
    const { challengeId } = challenge
    assert.equal((await judge({ kind: 'items', challengeId: challengeId + 1n, items })).kind, 'malformed')
    assert.equal((await judge({ kind: 'bootstrapping', challengeId })).kind, 'bootstrapping')
    for (const reject of ['unknownCommitment', 'transient', 'protocol'] as const)
      assert.equal((await judge({ kind: 'rejected', challengeId, reject, reason: '' })).kind, reject)
  })
})

describe('bytes', () => {
  test('one changed bit anywhere in a slice or a sibling', async () => {
    const { challenge, items } = await scene(3)
    for (const [at, item] of items.entries()) {
      assert.ok(item.kind === 'present')
      const places = [0, 8, Math.floor(item.baoSlice.length / 2), item.baoSlice.length - 1]
      for (const place of places) {
        const changed = items.with(at, { ...item, baoSlice: flipped(item.baoSlice, place) })
        assert.equal(await verdict(changed, challenge), 'digestMismatch')
      }
      for (const [i, sibling] of item.noncedSiblings.entries()) {
        const noncedSiblings = item.noncedSiblings.with(i, flipped(sibling))
        assert.equal(await verdict(items.with(at, { ...item, noncedSiblings }), challenge), 'digestMismatch')
      }
      const longer = { ...item, noncedSiblings: [...item.noncedSiblings, new Uint8Array(32)] }
      assert.equal(await verdict(items.with(at, longer), challenge), 'digestMismatch')
      const trailing = { ...item, baoSlice: concat([item.baoSlice, new Uint8Array(9)]) }
      assert.equal(await verdict(items.with(at, trailing), challenge), 'pass')
    }
  })
  test('right bytes under a stale nonce, or proven for another peer', async () => {
    const { node, first, leaves, challenge } = await scene()
    for (const stale of [
      { ...first, nonce: random.bytes(32) },
      { ...first, challengedPeer: (await world.node(0)).peer },
    ]) {
      const other = { ...challenge, ...stale }
      assert.equal(await verdict(await answerRoundTwo(node, other), challenge), 'digestMismatch')
      assert.ok(leaves.length > 0)
    }
  })
  test('a relay that knows the addresses alone cannot make nonced roots that last', async () => {
    const { node, first, leaves } = await scene()
    // Structurally valid; the bytes are fetched from the victim once the openings are known.
    const made = leaves.map((leaf) => ({ ...leaf, noncedRoot: random.bytes(32) }))
    const challenge = roundTwo(first, made, random)
    assert.equal(await verdict(await answerRoundTwo(node, challenge), challenge), 'digestMismatch')
  })
  test('a lying length fails at the final block', async () => {
    const { node, first, leaves } = await scene(4)
    for (const lie of [1, -1, 1024, -1024, 100_000]) {
      const lying = leaves.map((leaf) => ({ ...leaf, contentLength: Math.max(0, leaf.contentLength + lie) }))
      const challenge = roundTwo(first, lying, random)
      const items: SliceItem[] = []
      for (const opening of challenge.openings) {
        const content = node.contents.get(opening.key) as never
        const item = await audit.openBlock(opening, content, challenge, kernels)
        // Where the claimed block is not there it gives the last that is, under the claimed number.
        if (item?.kind === 'present') items.push(item)
        else items.push(await lastBlock(node, opening.key, opening.blockIndex, challenge))
      }
      assert.equal(await verdict(items, challenge), 'digestMismatch', `lie ${lie}`)
    }
  })
  test('a fabricated fraction survives as often as its leaves are not drawn', async () => {
    const node = await world.node(40)
    const signed = await commit(node)
    let [caught, missed] = [0, 0]
    for (let i = 0; i < 60; i++) {
      const first = challengeTo(node, signed, random)
      const { proof } = await answerRoundOne(node, signed, first)
      const forged = new Set(proof.leaves.slice(0, 2).map(({ key }) => key))
      const leaves = proof.leaves.map((leaf) =>
        forged.has(leaf.key) ? { ...leaf, noncedRoot: random.bytes(32) } : leaf,
      )
      const challenge = roundTwo(first, leaves, random)
      const drawn = challenge.openings.some(({ key }) => forged.has(key))
      const passed = (await verdict(await answerRoundTwo(node, challenge), challenge)) === 'pass'
      assert.equal(passed, !drawn)
      if (passed) missed++
      else caught++
    }
    assert.ok(caught > missed && missed > 0, `${caught} caught, ${missed} missed`)
  })
  test('a deleter is found, and its neighbours are not', async () => {
    const { node, first, leaves } = await scene(4)
    node.contents.clear()
    const challenge = roundTwo(first, leaves, random)
    assert.equal(await verdict(await answerRoundTwo(node, challenge), challenge), 'keyAbsent')
  })
})

async function lastBlock(node: Node, key: ChunkAddress, blockIndex: number, challenge: audit.RoundTwo) {
  const content = node.contents.get(key) as Uint8Array
  const last = { key, blockIndex: blockCount(content.length) - 1 }
  const item = (await audit.openBlock(last, content, challenge, kernels)) as SliceItem
  return { ...item, blockIndex } as SliceItem
}

describe('pointers', () => {
  test('either of two records proves the leaf; a later one alone does not', async () => {
    const { challenge, items } = await scene(0, 1)
    const [item] = items as [Extract<SliceItem, { kind: 'pointerRecord' }>]
    const [record] = item.records as [Uint8Array]
    const newer = flipped(record, 1970)
    assert.equal(await verdict([{ ...item, records: [newer, record] }], challenge), 'pass')
    assert.equal(await verdict([{ ...item, records: [newer] }], challenge), 'digestMismatch')
    assert.equal(await verdict([{ ...item, records: [record.subarray(1)] }], challenge), 'digestMismatch')
  })
  test('a record that reproduces the root must still be a signed pointer of that address', async () => {
    const { node, first, leaves, challenge } = await scene(0, 1)
    const [leaf] = leaves as [SubtreeLeaf]
    const owner = verifier.createSigner(random)
    const target = { kind: 0, address: leaf.key }
    const { encoded: foreign } = await createPointer({ counter: 1n, target }, owner)
    const unsigned = flipped(node.pointers.get(leaf.key) as Uint8Array, 5302)
    for (const record of [random.bytes(5303), foreign, new Uint8Array(5303).fill(1, 0, 1), unsigned]) {
      const noncedRoot = await kernels.noncedRoot(audit.blockKey(first, leaf.key), record)
      const forged = { ...challenge, leaves: new Map([[leaf.key, { ...leaf, noncedRoot }]]) }
      const item: SliceItem = { kind: 'pointerRecord', key: leaf.key, records: [record] }
      assert.ok(audit.recordMatches(record, leaf.key, noncedRoot, first))
      assert.equal(await verdict([item], forged), 'digestMismatch')
    }
  })
})

describe('sessions', () => {
  const open = async () => {
    const { node, challenge, leaves, first } = await scene()
    const sessions = new audit.Sessions()
    const [auditor, other] = [(await world.node(0)).peer, (await world.node(0)).peer]
    const audited = new Set(leaves.map(({ key }) => key))
    const session = { pin: first.pin, nonce: first.nonce, audited, pointerRoots: new Map() }
    assert.ok(sessions.open(auditor, first.challengeId, session, 0))
    const asked = { ...challenge, expectedCommitmentHash: keyOf(first.pin as never) }
    const start = (change: object = {}, from = auditor, now = minute) => {
      const begun = audit.startRoundTwo({ ...asked, ...change }, from, { peer: node.peer, sessions }, now)
      return begun.kind === 'rejected' ? begun.reject : begun.kind
    }
    return { start, other, audited }
  }
  test('round 2 comes once, in time, and from the challenger of round 1', async () => {
    const { start, other } = await open()
    assert.equal(start({}, other), 'transient')
    assert.equal(start({ challengeId: 0n }), 'transient')
    assert.equal(start(), 'work')
    assert.equal(start(), 'transient')
    const late = await open()
    assert.equal(late.start({}, undefined, 2 * minute), 'transient')
  })
  test('another target, nonce or pin, and openings beyond round 1', async () => {
    assert.equal((await open()).start({ challengedPeer: (await world.node(0)).peer }), 'protocol')
    assert.equal((await open()).start({ nonce: random.bytes(32) }), 'transient')
    assert.equal((await open()).start({ expectedCommitmentHash: random.bytes(32) }), 'transient')
    const { start, audited } = await open()
    const [key] = audited
    assert.equal(start({ openings: Array.from({ length: 11 }, (_, blockIndex) => ({ key, blockIndex })) }), 'protocol')
    assert.equal(start(), 'transient', 'it was consumed all the same')
  })
})
