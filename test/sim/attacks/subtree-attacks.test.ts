/**
 * replication.md 28.3: peers that show a commitment over data which they do not keep, or not all of it. A whole node
 * audits them by its own rules, holds no copy itself, and must catch every one.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as audit from '../../../src/audit/index.ts'
import { backend } from '../../../src/crypto/index.ts'
import {
  type ChunkAddress,
  createStorageCommitment,
  keyOf,
  type SliceItem,
  type StorageCommitment,
  type SubtreeLeaf,
  verifyStorageCommitment,
} from '../../../src/protocol/index.ts'
import { answerRoundOne, answerRoundTwo, commit, flipped, type Node } from '../../unit/audit/world.ts'
import {
  caught,
  charged,
  dice,
  FAILED,
  forgedRoots,
  gossipUntilAudited,
  honestItems,
  type Items,
  type Liar,
  type Lie,
  liarIn,
  mapLeaves,
  PASSED,
  type Proof,
  verdicts,
} from './liar.ts'
import { auditOnce, intruder, SEED, town } from './town.ts'

test('28.3 control: who keeps what it shows passes, and is granted 1.0', async () => {
  const liar = await liarIn(await town(2), {})
  await gossipUntilAudited(liar)
  assert.deepEqual(verdicts(liar.auditor), { pass: 1 }, `SIM_SEED=${SEED}`)
  assert.deepEqual(charged(liar), [PASSED])
  await liar.all.net.stop()
})

test('28.3 relay with addresses only', async () => {
  // Lengths and hashes are known, bytes are not: slices are made up of noise of the right size.
  const noise = (item: SliceItem): SliceItem =>
    item.kind === 'present' ? { ...item, baoSlice: dice.bytes(item.baoSlice.length) } : item
  await caught({ one: forgedRoots, two: (honest) => ({ ...honest, items: honest.items.map(noise) }) }, [
    'digestMismatch',
  ])
})

test('28.3 predict and fetch', async () => {
  // The right bytes come from elsewhere after the sample is known: they do not fit what was claimed before.
  await caught({ one: forgedRoots }, ['digestMismatch'])
  // An auditor whose nonces are all the same draws other samples all the same: a nonce tells nothing about them.
  const liar = await liarIn(await town(2), {})
  const random = liar.all.net.world.random('dice of node 0')
  const bytes = random.bytes.bind(random)
  const nonce = dice.bytes(32)
  random.bytes = (count) => (count === nonce.length ? nonce.slice() : bytes(count))
  for (let audits = 0; audits < 4; audits++) await gossipUntilAudited(liar)
  const first = liar.attacker.heardOf('subtreeAuditChallenge')
  assert.deepEqual(new Set(first.map((challenge) => Buffer.from(challenge.nonce).toString('hex'))).size, 1)
  const samples = liar.attacker.heardOf('subtreeSliceChallenge').map(({ openings }) => JSON.stringify(openings))
  assert.equal(new Set(samples).size, 4, `SIM_SEED=${SEED}`)
  await liar.all.net.stop()
})

test('28.3 fabricated fraction x: caught the moment a forged leaf is sampled, and not before', async () => {
  const forged = new Set<ChunkAddress>()
  const lie: Lie = {
    one: (honest) =>
      mapLeaves(honest, (leaf, i) => {
        if (i % 8 !== 0) return leaf
        forged.add(leaf.key)
        return { ...leaf, noncedRoot: dice.bytes(32) }
      }),
  }
  const liar = await liarIn(await town(2), lie)
  for (let audits = 0; audits < 6; audits++) {
    const before = charged(liar).length
    await gossipUntilAudited(liar)
    const sampled = liar.attacker.heardOf('subtreeSliceChallenge').at(-1)?.openings ?? []
    const hit = sampled.some(({ key }) => forged.has(key))
    assert.deepEqual(charged(liar)[before], hit ? FAILED : PASSED, `SIM_SEED=${SEED}, audit ${audits}`)
    forged.clear()
  }
  const count = verdicts(liar.auditor)
  assert.ok(count['digestMismatch'] && count['pass'], `SIM_SEED=${SEED}: both ends were seen, ${JSON.stringify(count)}`)
  await liar.all.net.stop()
})

test('28.3 relay, auditor holds nothing', async () => {
  // `caught` asserts that the auditor's store is empty: the check needs no local copy. Three in a row, no luck.
  const liar = await liarIn(await town(2), { one: forgedRoots })
  for (let audits = 1; audits <= 3; audits++) {
    await gossipUntilAudited(liar)
    assert.deepEqual(verdicts(liar.auditor), { digestMismatch: audits }, `SIM_SEED=${SEED}`)
  }
  assert.equal(liar.auditor.store.size, 0)
  await liar.all.net.stop()
})

test('28.3 fresh commitment substituted', async () => {
  const lie: Lie = {
    one: async (_, { data }, challenge) => {
      // Everything it still has, honestly signed and proven: only not what was pinned.
      const fewer = { ...data, contents: new Map([...data.contents].slice(0, 5)) }
      return answerRoundOne(fewer, await commit(fewer), challenge)
    },
  }
  await caught(lie, ['commitment'])
})

test('28.3 another peer’s commitment', async () => {
  const lie: Lie = {
    one: async (_, { data, all }, challenge) => {
      const other = { ...data, signer: all.net.world.signer('somebody else') }
      return answerRoundOne(other, await commit(other), challenge)
    },
  }
  await caught(lie, ['commitment'])
})

test('28.3 throw-away key under the victim’s id', async () => {
  const lie: Lie = {
    one: async (honest, { data, all, attacker }) => {
      const { commitment } = await commit({ ...data, signer: all.net.world.signer('throw-away') })
      return { ...honest, commitment: { ...commitment, peer: attacker.peerId } }
    },
  }
  await caught(lie, ['commitment'])
})

test('28.3 wrong signer, consistent ids: in an answer and in gossip', async () => {
  const bySomebodyElse = async ({ data, all }: Liar, honest: StorageCommitment): Promise<StorageCommitment> => {
    const { commitment } = await commit({ ...data, signer: all.net.world.signer('somebody else') })
    return { ...honest, signature: commitment.signature }
  }
  await caught(
    { one: async (honest, liar) => ({ ...honest, commitment: await bySomebodyElse(liar, honest.commitment) }) },
    ['commitment'],
  )
  const liar = await liarIn(await town(2), {})
  const forged = await bySomebodyElse(liar, liar.signed.commitment)
  await assert.rejects(gossipUntilAudited(liar, forged), /never audited/)
  assert.deepEqual(charged(liar), [], 'gossip gates are silent')
  await liar.all.net.stop()
})

test('28.3 replayed answer', async () => {
  let recorded: Proof | undefined
  const lie: Lie = {
    one: (honest, _, { challengeId }) => {
      if (!recorded) recorded = honest
      return { ...recorded, challengeId }
    },
  }
  const liar = await liarIn(await town(2), lie)
  await gossipUntilAudited(liar)
  assert.deepEqual(verdicts(liar.auditor), { pass: 1 }, `SIM_SEED=${SEED}: the first time it is fresh`)
  await gossipUntilAudited(liar)
  const { pass, ...others } = verdicts(liar.auditor)
  assert.equal(pass, 1)
  assert.ok(others['structure'] === 1 || others['digestMismatch'] === 1, `SIM_SEED=${SEED}: ${JSON.stringify(others)}`)
  assert.deepEqual(charged(liar), [PASSED, FAILED])
  await liar.all.net.stop()
})

test('28.3 cut hash tampered; leaf dropped; leaves reordered; bytes_hash tampered', async () => {
  const proof = (change: (proof: Proof['proof']) => Partial<Proof['proof']>): Lie => ({
    one: (honest) => ({ ...honest, proof: { ...honest.proof, ...change(honest.proof) } }),
  })
  const cut = ({ siblingCutHashes }: Proof['proof']) =>
    siblingCutHashes.map((hash, i) => (i === 0 ? flipped(hash) : hash))
  await caught(
    proof((good) => ({ siblingCutHashes: cut(good) })),
    ['structure'],
  )
  await caught(
    proof(({ leaves }) => ({ leaves: leaves.slice(1) })),
    ['structure'],
  )
  await caught(
    proof(({ leaves }) => ({ leaves: [...leaves].reverse() })),
    ['structure'],
  )
  const tampered: Lie = {
    one: (honest) => mapLeaves(honest, (leaf, i) => (i === 0 ? { ...leaf, bytesHash: flipped(leaf.bytesHash) } : leaf)),
  }
  await caught(tampered, ['structure'])
})

test('28.3 bytes_hash != key: a structure failure even if the root fits', async () => {
  const leaves = (data: Node): SubtreeLeaf[] =>
    [...data.contents.keys()].sort().map((key) => {
      const content = new Uint8Array(100).fill(1)
      return { key, bytesHash: backend().blake3(content), contentLength: 100, noncedRoot: dice.bytes(32) }
    })
  const rootOf = (all: readonly SubtreeLeaf[]) => {
    const [a, b] = all.map(({ key, bytesHash }) => audit.leafHash(keyOf(key), bytesHash))
    return audit.nodeHash(a as Uint8Array, b as Uint8Array)
  }
  let signed: StorageCommitment | undefined
  const lie: Lie = {
    shown: async ({ data, attacker }) => {
      signed = await createStorageCommitment({ root: rootOf(leaves(data)), keyCount: 2 }, attacker.signer)
      return signed
    },
    one: (honest, { data }) => ({
      ...honest,
      commitment: signed as StorageCommitment,
      proof: { leaves: leaves(data), siblingCutHashes: [] },
    }),
  }
  await caught(lie, ['structure'], 2)
})

test('28.3 pin repudiated', async () => {
  const reject = 'unknownCommitment'
  const lie: Lie = {
    one: (_, __, { challengeId }) => ({ kind: 'rejected', challengeId, reject, reason: 'I never said that' }),
  }
  await caught(lie, ['unknownCommitment'])
})

test('a count so high that its audit would last longer than any request: audited all the same', async () => {
  const lie: Lie = {
    shown: ({ attacker }) => createStorageCommitment({ root: dice.bytes(32), keyCount: 300_000 }, attacker.signer),
    one: (_, __, { challengeId }) => ({ kind: 'rejected', challengeId, reject: 'unknownCommitment', reason: 'no' }),
  }
  await caught(lie, ['unknownCommitment'])
})

test('28.3 omitted item, duplicate item, unrequested item', async () => {
  await caught({ two: (honest) => ({ ...honest, items: honest.items.slice(1) }) }, ['digestMismatch'])
  const twice = (honest: Items): Items => ({ ...honest, items: [...honest.items, honest.items[0] as SliceItem] })
  await caught({ two: twice }, ['malformed'])
  const more: Lie = {
    two: async (honest, { data }, challenge) => {
      const key = [...data.contents.keys()].find((other) => !challenge.leaves.has(other)) as ChunkAddress
      const [extra] = await answerRoundTwo(data, { ...challenge, openings: [{ key, blockIndex: 0 }] })
      return { ...honest, items: [...honest.items, extra as SliceItem] }
    },
  }
  await caught(more, ['malformed'])
})

test('28.3 right address, stale nonce', async () => {
  const lie: Lie = {
    two: async (honest, { data }, challenge) => ({
      ...honest,
      items: await honestItems(data, { ...challenge, nonce: new Uint8Array(32) }),
    }),
  }
  await caught(lie, ['digestMismatch'])
})

test('28.3 lying content_len', async () => {
  const longer = (difference: number) => (honest: Proof) =>
    mapLeaves(honest, (leaf) => ({ ...leaf, contentLength: leaf.contentLength + difference }))
  // The header of a Bao slice tells the true length.
  await caught({ one: longer(1024) }, ['digestMismatch'])
  // A header that lies too, within as many blocks: every block but the last one still fits, of a hundred each.
  const header = (item: SliceItem): SliceItem => {
    if (item.kind !== 'present') return item
    const baoSlice = item.baoSlice.slice()
    const view = new DataView(baoSlice.buffer)
    view.setBigUint64(0, view.getBigUint64(0, true) + 1n, true)
    return { ...item, baoSlice }
  }
  const lie = { one: longer(1), two: (honest: Items) => ({ ...honest, items: honest.items.map(header) }) }
  await caught(lie, ['digestMismatch'], 8, 100 * 1024 + 10)
})

test('28.3 deleter: Absent costs 5.0; honest peers in the same network are unaffected', async () => {
  const all = await town(3, 20)
  const gone = (item: SliceItem): SliceItem => ({ kind: 'absent', key: item.key })
  const once = (items: readonly SliceItem[]) => [...new Map(items.map((item) => [item.key, gone(item)])).values()]
  const liar = await liarIn(all, { two: (honest) => ({ ...honest, items: once(honest.items) }) })
  // Honest nodes are audited in between.
  for (let tries = 0; tries < 20 && verdicts(liar.auditor)['keyAbsent'] === undefined; tries++)
    await gossipUntilAudited(liar)
  assert.equal(verdicts(liar.auditor)['keyAbsent'], 1, `SIM_SEED=${SEED}`)
  // What else the node asks of the liar is answered with silence, and charged as that.
  assert.ok(charged(liar).some(({ reason, weight }) => reason === FAILED.reason && weight === FAILED.weight))
  const honest = await intruder(all.net, 'honest auditor')
  for (const node of all.net.nodes) assert.equal(await auditOnce(all, honest, node), 'pass')
  const blamed = liar.trust.filter(({ peer, success }) => !success && peer !== liar.attacker.peerId)
  assert.deepEqual(blamed, [], `SIM_SEED=${SEED}: only the deleter is blamed`)
  await all.net.stop()
})

test('28.3 binding', async () => {
  const { net } = await town(1)
  const [signer, other] = [net.world.signer('a'), net.world.signer('b')]
  const verifier = net.world.signatures
  const root = dice.bytes(32)
  const good = await createStorageCommitment({ root, keyCount: 7 }, signer)
  const foreign = await createStorageCommitment({ root, keyCount: 7 }, other)
  const changes: Partial<StorageCommitment>[] = [
    { root: flipped(root) },
    { keyCount: 8 },
    { peer: foreign.peer },
    { publicKey: foreign.publicKey },
    { signature: flipped(good.signature) },
  ]
  assert.ok(await verifyStorageCommitment(good, verifier))
  for (const change of changes) {
    const name = Object.keys(change).join()
    assert.notEqual(audit.pinOfCommitment({ ...good, ...change }), audit.pinOfCommitment(good), name)
    assert.equal(await verifyStorageCommitment({ ...good, ...change }, verifier), false, name)
  }
  const [key, hash] = [dice.bytes(32), dice.bytes(32)]
  const leaf = Buffer.from(audit.leafHash(key, hash)).toString('hex')
  for (const changed of [audit.leafHash(flipped(key), hash), audit.leafHash(key, flipped(hash))])
    assert.notEqual(Buffer.from(changed).toString('hex'), leaf)
  const bytes = dice.bytes(3000)
  const address = Buffer.from(key).toString('hex') as ChunkAddress
  const challenge = { nonce: dice.bytes(32), challengedPeer: good.peer }
  const nonced = (of: audit.ChallengeBinding, to: ChunkAddress, content: Uint8Array) =>
    Buffer.from(backend().noncedRoot(audit.blockKey(of, to), content)).toString('hex')
  const roots = [
    nonced(challenge, address, bytes),
    nonced({ ...challenge, nonce: flipped(challenge.nonce) }, address, bytes),
    nonced({ ...challenge, challengedPeer: foreign.peer }, address, bytes),
    nonced(challenge, Buffer.from(hash).toString('hex') as ChunkAddress, bytes),
    nonced(challenge, address, flipped(bytes, 2999)),
  ]
  assert.equal(new Set(roots).size, roots.length)
  await net.stop()
})
