/** Round 1: honest nodes pass at every size, and what an attacker may answer is caught (replication.md 28.2, 28.3). */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import * as audit from '../../../src/audit/index.ts'
import { hour, minute } from '../../../src/base/index.ts'
import { chunkAddressOf, keyOf, POINTER_BYTES, type SubtreeLeaf } from '../../../src/protocol/index.ts'
import {
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
  treeOf,
} from './world.ts'

const world = createWorld(printedSeed('subtree audit'))
const { random, verifier } = world
const judge = (result: Parameters<typeof audit.judgeRoundOne>[0], challenge: audit.RoundOne) =>
  audit.judgeRoundOne(result, challenge, verifier)

async function scene(chunks = 30, pointers = 6) {
  const node = await world.node(chunks, { pointers })
  const signed = await commit(node)
  const challenge = challengeTo(node, signed, random)
  return { node, signed, challenge, answer: await answerRoundOne(node, signed, challenge) }
}

describe('honest', () => {
  test('a node passes both rounds at every size and with many nonces', async () => {
    const node = await world.node(0, { pointers: 3 })
    for (let count = 4; count <= 60; count++) {
      const more = await world.node(1)
      for (const [address, content] of more.contents) node.contents.set(address, content)
      const signed = await commit(node)
      assert.equal(signed.tree.keyCount, count)
      for (let i = 0; i < 3; i++) await passes(node, signed)
    }
  })
  test('all parts of a tree are chosen in time', () => {
    const slots = new Set<number>()
    for (let i = 0; i < 500; i++) slots.add(audit.subtreePlan(random.bytes(32), 100)?.slot ?? -1)
    assert.deepEqual([...slots].sort(), [0, 1, 2, 3, 4, 5, 6])
  })
  test('a plan is never larger than its span, and never empty', () => {
    for (let i = 0; i < 2000; i++) {
      const keys = 1 + Math.floor(random.float() * (i < 1000 ? 5000 : 1_000_000))
      const plan = audit.subtreePlan(random.bytes(32), keys) ?? assert.fail('no plan')
      const [leaves, span] = [plan.endLeaf - plan.firstLeaf, audit.subtreeSpan(keys)]
      assert.ok(leaves >= 1 && leaves <= span && span <= 1024 && plan.endLeaf <= keys, `${keys} keys`)
      assert.ok(span * span >= keys && (keys <= 4 || (span / 2) ** 2 < keys), `${keys} keys, span ${span}`)
    }
    for (const none of [0, -1, 1.5, Number.NaN, 1_000_001])
      assert.equal(audit.subtreePlan(random.bytes(32), none), undefined)
  })
})

async function passes(node: Node, signed: audit.SignedTree): Promise<void> {
  const challenge = challengeTo(node, signed, random)
  const verdict = await judge(await answerRoundOne(node, signed, challenge), challenge)
  assert.ok(verdict.kind === 'proven', JSON.stringify(verdict))
  const second = roundTwo(challenge, verdict.leaves, random)
  const items = await answerRoundTwo(node, second)
  const result = { kind: 'items', challengeId: challenge.challengeId, items } as const
  assert.deepEqual(await audit.judgeRoundTwo(result, second, verifier), { kind: 'pass' })
}

describe('commitments that are not the pinned one', () => {
  const withCommitment = async (change: (good: audit.SignedTree, node: Node) => Promise<object> | object) => {
    const { node, signed, challenge, answer } = await scene()
    const commitment = { ...signed.commitment, ...(await change(signed, node)) }
    return judge({ ...answer, commitment }, challenge)
  }
  test('a fresh one in its place', async () => {
    const { node, challenge, answer } = await scene()
    const fresh = await audit.signTree(treeOf([...node.contents.keys()].slice(1)), node.signer)
    const verdict = await judge({ ...answer, commitment: fresh.commitment }, challenge)
    assert.deepEqual(verdict, { kind: 'commitment', fault: 'pin' })
  })
  test('another peer’s', async () => {
    const verdict = await withCommitment(async () => (await commit(await world.node(5))).commitment)
    assert.deepEqual(verdict, { kind: 'commitment', fault: 'peer' })
  })
  test('a throw-away key under the id of the victim', async () => {
    const verdict = await withCommitment(async ({ commitment }) => {
      const thrownAway = (await commit(await world.node(5))).commitment
      return { ...thrownAway, peer: commitment.peer }
    })
    assert.deepEqual(verdict, { kind: 'commitment', fault: 'owner' })
  })
  test('wrong signer, consistent ids: only the signature tells', async () => {
    const { node, signed, answer } = await scene()
    const commitment = { ...signed.commitment, signature: flipped(signed.commitment.signature) }
    const challenge = { ...challengeTo(node, signed, random), pin: audit.pinOfCommitment(commitment) }
    const forged = { ...answer, challengeId: challenge.challengeId, commitment }
    assert.deepEqual(await judge(forged, challenge), { kind: 'commitment', fault: 'signature' })
  })
  test('the pin changes with every field', async () => {
    const { commitment, pin } = (await scene()).signed
    const changes = [
      { root: flipped(commitment.root) },
      { keyCount: commitment.keyCount + 1 },
      { peer: (await world.node(0)).peer },
      { publicKey: flipped(commitment.publicKey) },
      { signature: flipped(commitment.signature) },
    ]
    const pins = new Set([pin, ...changes.map((change) => audit.pinOfCommitment({ ...commitment, ...change }))])
    assert.equal(pins.size, 6)
  })
})

describe('structure', () => {
  const fault = async (change: (answer: Awaited<ReturnType<typeof scene>>['answer']) => object) => {
    const { challenge, answer } = await scene()
    const verdict = await judge({ ...answer, proof: { ...answer.proof, ...change(answer) } }, challenge)
    return verdict.kind === 'structure' ? verdict.fault : verdict.kind
  }
  test('a cut hash tampered with', async () => {
    for (const at of [0, -1]) {
      const found = await fault(({ proof }) => {
        const hashes = proof.siblingCutHashes
        const place = at < 0 ? hashes.length - 1 : at
        return { siblingCutHashes: hashes.with(place, flipped(hashes[place] as Uint8Array)) }
      })
      assert.equal(found, 'root')
    }
  })
  test('leaves dropped, added, out of order', async () => {
    assert.equal(await fault(({ proof }) => ({ leaves: proof.leaves.slice(1) })), 'leafCount')
    assert.equal(await fault(() => ({ leaves: [] })), 'leafCount')
    assert.equal(await fault(({ proof: { leaves } }) => ({ leaves: [...leaves, leaves[0]] })), 'leafCount')
    assert.equal(await fault(({ proof: { leaves } }) => ({ leaves: leaves.toReversed() })), 'order')
    assert.equal(
      await fault(({ proof: { leaves } }) => ({ leaves: leaves.with(1, leaves[0] as SubtreeLeaf) })),
      'order',
    )
    assert.equal(await fault(() => ({ siblingCutHashes: [] })), 'cutCount')
  })
  test('a leaf whose bytes hash or key was changed', async () => {
    const change = (part: (leaf: SubtreeLeaf) => Partial<SubtreeLeaf>) =>
      fault(({ proof: { leaves } }) => {
        const last = leaves.at(-1) as SubtreeLeaf
        return { leaves: leaves.with(-1, { ...last, ...part(last) }) }
      })
    assert.equal(await change(({ bytesHash }) => ({ bytesHash: flipped(bytesHash) })), 'root')
    const larger = chunkAddressOf(new Uint8Array(32).fill(0xff))
    assert.equal(await change(() => ({ key: larger })), 'root')
    assert.equal(await change(() => ({ key: larger, bytesHash: keyOf(larger) })), 'root')
  })
  test('a tree whose leaves commit to other hashes than their keys fails though its root fits', async () => {
    const { node, signed, challenge, answer } = await scene(3, 0)
    // The forger signs whatever tree it likes: here one whose leaves do not bind their bytes.
    const leaves = answer.proof.leaves.map((leaf) => ({ ...leaf, bytesHash: random.bytes(32) }))
    const [a, b, c] = leaves.map(({ key, bytesHash }) => audit.leafHash(keyOf(key), bytesHash)) as [
      Uint8Array,
      Uint8Array,
      Uint8Array,
    ]
    const root = audit.nodeHash(audit.nodeHash(a, b), audit.nodeHash(c, c))
    const tree = { root, keyCount: 3 } as audit.CommitmentTree
    const forged = await audit.signTree(tree, node.signer)
    const asked = { ...challenge, pin: forged.pin }
    const proof = { leaves, siblingCutHashes: [] }
    const verdict = await judge({ ...answer, commitment: forged.commitment, proof }, asked)
    assert.deepEqual(verdict, { kind: 'structure', fault: 'binding' })
    assert.notEqual(forged.pin, signed.pin)
  })
  test('a pointer leaf needs its own hash and its one length', async () => {
    const node = await world.node(1, { pointers: 2 })
    const signed = await commit(node)
    const challenge = challengeTo(node, signed, random)
    const answer = await answerRoundOne(node, signed, challenge)
    const at = answer.proof.leaves.findIndex(({ contentLength }) => contentLength === POINTER_BYTES)
    const leaf = answer.proof.leaves[at] as SubtreeLeaf
    assert.equal((await judge(answer, challenge)).kind, 'proven')
    const leaves = answer.proof.leaves.with(at, { ...leaf, contentLength: POINTER_BYTES - 1 })
    const verdict = await judge({ ...answer, proof: { ...answer.proof, leaves } }, challenge)
    assert.deepEqual(verdict, { kind: 'structure', fault: 'binding' })
  })
  test('lengths and nonced roots are not bound by round 1', async () => {
    const { challenge, answer } = await scene()
    const leaves = answer.proof.leaves.map((leaf) =>
      leaf.contentLength === POINTER_BYTES ? leaf : { ...leaf, noncedRoot: random.bytes(32), contentLength: 7 },
    )
    assert.equal((await judge({ ...answer, proof: { ...answer.proof, leaves } }, challenge)).kind, 'proven')
  })
})

describe('replays', () => {
  test('an answer to another challenge is malformed', async () => {
    const { challenge, answer } = await scene()
    assert.deepEqual(await judge(answer, { ...challenge, challengeId: challenge.challengeId + 1n }), {
      kind: 'malformed',
    })
  })
  test('an old proof under a new nonce selects other leaves, or fails in round 2', async () => {
    const { node, signed, challenge, answer } = await scene()
    let [structure, slices] = [0, 0]
    for (let i = 0; i < 40; i++) {
      const asked = { ...challengeTo(node, signed, random), challengeId: challenge.challengeId }
      const verdict = await judge(answer, asked)
      if (verdict.kind !== 'proven') {
        assert.equal(verdict.kind, 'structure')
        structure++
        continue
      }
      const second = roundTwo(asked, verdict.leaves, random)
      const items = await answerRoundTwo(node, second)
      const result = { kind: 'items', challengeId: asked.challengeId, items } as const
      assert.deepEqual(await audit.judgeRoundTwo(result, second, verifier), { kind: 'digestMismatch' })
      slices++
    }
    assert.ok(structure > 0 && slices > 0, `${structure} by structure, ${slices} by slices`)
  })
})

describe('responder', () => {
  const start = async (change: { bootstrapping?: boolean; bare?: boolean; peer?: boolean; unknown?: boolean }) => {
    const { node, signed, challenge } = await scene()
    const retention = new audit.Retention()
    retention.rotate(signed, 0)
    retention.show(0)
    const asked = {
      ...challenge,
      challengedPeer: change.peer ? (await world.node(0)).peer : challenge.challengedPeer,
      expectedCommitmentHash: change.unknown ? random.bytes(32) : keyOf(signed.pin as never),
    }
    const own = {
      peer: node.peer,
      bootstrapping: change.bootstrapping ?? false,
      retention: change.bare ? undefined : retention,
    }
    return audit.startRoundOne(asked, own, minute)
  }
  const refusal = async (change: Parameters<typeof start>[0]) => {
    const begun = await start(change)
    return begun.kind === 'rejected' ? begun.reject : begun.kind
  }
  test('bootstrapping, wrong target, unknown pin, no commitment at all', async () => {
    assert.equal(await refusal({}), 'work')
    assert.equal(await refusal({ bootstrapping: true, peer: true }), 'bootstrapping')
    assert.equal(await refusal({ peer: true, unknown: true }), 'protocol')
    assert.equal(await refusal({ unknown: true }), 'unknownCommitment')
    assert.equal(await refusal({ bare: true }), 'unknownCommitment')
  })
  test('a shown commitment is answered for three hours, not longer', async () => {
    const { node, signed, challenge } = await scene()
    const retention = new audit.Retention()
    retention.rotate(signed, 0)
    const asked = { ...challenge, expectedCommitmentHash: keyOf(signed.pin as never) }
    const kind = (now: number) => audit.startRoundOne(asked, { ...node, bootstrapping: false, retention }, now).kind
    assert.equal(kind(0), 'rejected', 'never shown')
    retention.show(0)
    assert.equal(kind(3 * hour - 1), 'work')
    assert.equal(kind(3 * hour), 'rejected')
  })
  test('bytes that are not those of the key make no leaf', async () => {
    const { node, challenge } = await scene(1, 1)
    const [[key, content]] = [...node.contents] as [[never, Uint8Array]]
    const leaf = (kind: 'chunk' | 'pointer', bytes: Uint8Array) =>
      audit.proveLeaf({ key, kind }, bytes, challenge, kernels)
    assert.ok(await leaf('chunk', content))
    assert.equal(await leaf('chunk', flipped(content)), undefined)
    assert.equal(await leaf('pointer', content), undefined)
  })
})
