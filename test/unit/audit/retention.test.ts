import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import * as audit from '../../../src/audit/index.ts'
import { concat, hour, minute, second } from '../../../src/base/index.ts'
import { type ChunkAddress, encodeStorageCommitment, keyOf, Writer } from '../../../src/protocol/index.ts'
import { commit, createWorld, flipped, type Node, printedSeed } from './world.ts'

const world = createWorld(printedSeed('retention'))
const { random, verifier } = world
/** Unix time of a whole second. */
const NOW = 1_800_000_000_000

/** Trees of one node, each of other keys. */
async function trees(count: number, node?: Node): Promise<audit.SignedTree[]> {
  const owner = node ?? (await world.node(0))
  const made: audit.SignedTree[] = []
  for (let i = 0; i < count; i++) {
    const { contents } = await world.node(3)
    made.push(await commit({ ...owner, contents }))
  }
  return made
}

const keysOf = ({ tree }: audit.SignedTree) =>
  Array.from({ length: tree.keyCount }, (_, i) => audit.entryKey(tree.entries, i))

describe('rotation', () => {
  test('the same root is not signed anew', async () => {
    const [a, b] = (await trees(2)) as [audit.SignedTree, audit.SignedTree]
    const retention = new audit.Retention()
    assert.ok(retention.isNew(a.tree.root))
    assert.ok(retention.rotate(a, NOW))
    const { changes } = retention
    assert.equal(retention.isNew(a.tree.root), false)
    assert.equal(retention.rotate(a, NOW), false)
    assert.equal(retention.changes, changes)
    assert.ok(retention.rotate(b, NOW))
    assert.equal(retention.current, b)
  })
  test('what was never shown is not answered for, and is gone when it is replaced', async () => {
    const [a, b] = (await trees(2)) as [audit.SignedTree, audit.SignedTree]
    const retention = new audit.Retention()
    retention.rotate(a, NOW)
    assert.equal(retention.find(a.pin, NOW), undefined)
    retention.rotate(b, NOW)
    assert.deepEqual(retention.slots(NOW), [{ signed: b, expiresAt: undefined }])
  })
  test('what was shown outlives rotations for three hours from the last time', async () => {
    const [a, b, c] = (await trees(3)) as [audit.SignedTree, audit.SignedTree, audit.SignedTree]
    const retention = new audit.Retention()
    retention.rotate(a, NOW)
    assert.deepEqual(retention.show(NOW), { signed: a, firstTime: true })
    assert.deepEqual(retention.show(NOW + hour), { signed: a, firstTime: false })
    retention.rotate(b, NOW + 2 * hour)
    retention.rotate(c, NOW + 3 * hour)
    assert.equal(retention.find(a.pin, NOW + 4 * hour - 1), a)
    assert.equal(retention.find(a.pin, NOW + 4 * hour), undefined)
    assert.equal(retention.find(b.pin, NOW + 3 * hour), undefined)
    // An expired one that is current may be shown again, and then for the first time.
    retention.show(NOW + 4 * hour)
    assert.equal(retention.show(NOW + 9 * hour)?.firstTime, true)
  })
  test('sixteen shown ones; the one shown longest ago leaves, unshown rebuilds move nothing', async () => {
    const all = await trees(30)
    const retention = new audit.Retention()
    for (const [i, signed] of all.slice(0, 16).entries()) {
      retention.rotate(signed, NOW + i)
      retention.show(NOW + i)
    }
    for (const signed of all.slice(16, 29)) retention.rotate(signed, NOW + 20)
    for (const signed of all.slice(0, 16)) assert.equal(retention.find(signed.pin, NOW + 20), signed)
    assert.equal(retention.slots(NOW + 20).length, 17)
    retention.show(NOW + 21)
    assert.equal(retention.find((all[0] as audit.SignedTree).pin, NOW + 21), undefined)
    assert.ok(retention.find((all[1] as audit.SignedTree).pin, NOW + 21))
    assert.equal(retention.slots(NOW + 21).length, 16)
  })
  test('retired: not shown any more, still answered for; never shown: gone', async () => {
    const [a, b] = (await trees(2)) as [audit.SignedTree, audit.SignedTree]
    const retention = new audit.Retention()
    retention.rotate(a, NOW)
    retention.show(NOW)
    retention.retire(NOW)
    assert.equal(retention.current, undefined)
    assert.equal(retention.show(NOW), undefined)
    assert.equal(retention.find(a.pin, NOW + hour), a)
    // Keys that come back make a new commitment, also with the old root.
    assert.ok(retention.isNew(a.tree.root))
    retention.rotate(b, NOW)
    retention.retire(NOW)
    assert.deepEqual(
      retention.slots(NOW).map(({ signed }) => signed),
      [a],
    )
    const { changes } = retention
    retention.retire(NOW)
    assert.equal(retention.changes, changes)
  })
  test('keys of every retained tree are committed, others are not', async () => {
    const [a, b, c] = (await trees(3)) as [audit.SignedTree, audit.SignedTree, audit.SignedTree]
    const retention = new audit.Retention()
    retention.rotate(a, NOW)
    retention.show(NOW)
    retention.rotate(b, NOW)
    const veto = (signed: audit.SignedTree, now: number) =>
      keysOf(signed)
        .map((key) => retention.isCommitted(key, now))
        .join()
    assert.equal(veto(a, NOW + hour), 'true,true,true')
    assert.equal(veto(b, NOW + hour), 'true,true,true', 'the current one too, shown or not')
    assert.equal(veto(c, NOW + hour), 'false,false,false')
    assert.equal(veto(a, NOW + 3 * hour), 'false,false,false', 'no longer answerable')
    assert.equal(retention.isCommitted(flipped(keysOf(a)[0] as Uint8Array, 31), NOW), false)
  })
})

async function saved(node: Node, retention: audit.Retention, now: number) {
  const files = audit.encodeRetention(retention.slots(now), retention.current !== undefined)
  const load = (change: Partial<audit.RetentionFiles> | { pointers?: undefined } = {}, at = now, self = node.peer) => {
    const { main, pointers } = { ...files, ...change }
    const context = { self, verifier, now: at, wallAhead: 0, breathe: async () => undefined }
    return audit.loadRetention(pointers === undefined ? { main } : { main, pointers }, context)
  }
  return { files, load }
}

async function filled() {
  const node = await world.node(20, { pointers: 5 })
  const retention = new audit.Retention()
  const [older] = (await trees(1, { ...node, pointers: new Map() })) as [audit.SignedTree]
  retention.rotate(older, NOW)
  retention.show(NOW)
  const current = await commit(node)
  retention.rotate(current, NOW + minute)
  retention.show(NOW + minute)
  return { node, older, current, retention, ...(await saved(node, retention, NOW + minute)) }
}

describe('files', () => {
  test('after a restart the same pins are answered for, with five minutes of grace', async () => {
    const { older, current, load } = await filled()
    const { retention, faults } = await load()
    assert.deepEqual(faults, [])
    assert.equal(retention.current?.pin, current.pin)
    const found = retention.find(current.pin, NOW + minute)
    assert.deepEqual(found?.commitment, current.commitment)
    assert.deepEqual(found?.tree.root, current.tree.root)
    assert.deepEqual(found?.tree.path(7), current.tree.path(7))
    assert.ok(retention.find(older.pin, NOW + 3 * hour + 5 * minute - 1))
    assert.equal(retention.find(older.pin, NOW + 3 * hour + 5 * minute), undefined)
  })
  test('what was read is written as it was', async () => {
    const { files, load } = await filled()
    const { retention } = await load()
    const slots = retention.slots(NOW).map((slot) => ({ ...slot, expiresAt: (slot.expiresAt ?? 0) - 5 * minute }))
    assert.deepEqual(audit.encodeRetention(slots, true), files)
  })
  test('stamps are capped at 3 h 05 from now, and what expired long ago is gone', async () => {
    const { current, older, load } = await filled()
    const early = NOW - 30 * 24 * hour
    const { retention } = await load({}, early)
    assert.ok(retention.find(current.pin, early + 3 * hour + 5 * minute - 1))
    assert.equal(retention.find(current.pin, early + 3 * hour + 5 * minute), undefined)
    const late = (await load({}, NOW + 10 * hour)).retention
    assert.deepEqual(
      late.slots(NOW + 10 * hour).map(({ expiresAt }) => expiresAt),
      [undefined],
    )
    assert.equal(late.current?.pin, current.pin)
    assert.equal(late.find(older.pin, NOW + 10 * hour), undefined)
  })
  test('a current one that nobody saw comes back as such; a retired one is not current', async () => {
    const node = await world.node(3)
    const unseen = new audit.Retention()
    unseen.rotate(await commit(node), NOW)
    const loaded = (await (await saved(node, unseen, NOW)).load()).retention
    assert.ok(loaded.current)
    assert.equal(loaded.find(loaded.current.pin, NOW), undefined)
    unseen.show(NOW)
    unseen.retire(NOW)
    const retired = (await (await saved(node, unseen, NOW)).load()).retention
    assert.equal(retired.current, undefined)
    assert.ok(retired.find(loaded.current.pin, NOW))
  })
  test('another node’s file, forged signatures, changed keys: slot by slot they are left out', async () => {
    const { node, current, older, files, load } = await filled()
    const foreign = await load({}, NOW, (await world.node(0)).peer)
    assert.equal(foreign.retention.slots(NOW).length, 0)
    assert.equal(foreign.faults.length, 2)
    const at = (part: Uint8Array) => Buffer.from(files.main).indexOf(part)
    for (const part of [current.commitment.signature, current.commitment.root, keysOf(current).at(-1) as Uint8Array]) {
      const { retention, faults } = await load({ main: flipped(files.main, at(part)) })
      assert.equal(faults.length, 1)
      assert.equal(retention.current, undefined, 'the older one does not become current')
      assert.ok(retention.find(older.pin, NOW))
      assert.equal(node.peer, current.commitment.peer)
    }
    // A tree of chunks alone, so that the pointer file has no part in it.
    const { retention, faults } = await load({ main: flipped(files.main, at(older.commitment.signature)) })
    assert.match(faults.join(), /not signed by this node/)
    assert.deepEqual(
      retention.slots(NOW).map(({ signed }) => signed.pin),
      [current.pin],
    )
  })
  test('without the pointer file, trees with pointers are left out, trees of chunks are not', async () => {
    const { current, older, load } = await filled()
    for (const pointers of [undefined, new Uint8Array(3)]) {
      const { retention, faults } = await load({ pointers })
      assert.ok(faults.length >= 1)
      assert.equal(retention.find(current.pin, NOW), undefined)
      assert.ok(retention.find(older.pin, NOW))
    }
    const writer = new Writer()
      .uint(1)
      .uint(1)
      .raw(keyOf(older.pin as string as ChunkAddress))
      .uint(1)
    const strange = writer.raw(random.bytes(32)).finish()
    assert.match((await load({ pointers: strange })).faults.join(), /pointers that are not among its keys/)
  })
  test('a file that cannot be read counts as none, and the reason is told', async () => {
    const { files, load } = await filled()
    for (const main of [
      new Uint8Array(0),
      files.main.slice(0, -1),
      concat([files.main, new Uint8Array(1)]),
      flipped(files.main, 0),
      Uint8Array.of(2, 0, 0),
    ]) {
      assert.throws(() => audit.decodeRetention(main), { name: 'AuditError', code: 'AUDIT_RETENTION_DECODE' })
      const { retention, faults } = await load({ main })
      assert.equal(retention.slots(NOW).length, 0)
      assert.match(faults.join(), /commitment_retention\.bin/)
    }
  })
  test('more slots, or other numbers of keys, than are ever written are refused', async () => {
    const { commitment, tree } = (await trees(1))[0] as audit.SignedTree
    const file = (slots: number, keys = tree.keyCount) => {
      const writer = new Writer().uint(1).uint(slots)
      for (let i = 0; i < slots; i++) {
        writer
          .raw(encodeStorageCommitment(commitment))
          .uint(keys)
          .raw(new Uint8Array(keys * 32))
        writer.option(NOW / second, (w, stamp) => w.uint(stamp))
      }
      return writer.bool(false).finish()
    }
    assert.equal(audit.decodeRetention(file(17)).slots.length, 17)
    assert.throws(() => audit.decodeRetention(file(18)), { code: 'AUDIT_RETENTION_DECODE' })
    for (const keys of [0, 2, 4]) assert.throws(() => audit.decodeRetention(file(1, keys)), audit.AuditError)
  })
})

describe('of other peers', () => {
  test('gates: the sender itself, its own key, one check a minute', async () => {
    const [mine, other] = [await world.node(2), await world.node(2)]
    const { commitment } = await commit(mine)
    const table = new audit.PeerCommitments()
    assert.equal(table.admits(commitment, other.peer, NOW), false)
    const thrownAway = { ...(await commit(other)).commitment, peer: mine.peer }
    assert.equal(table.admits(thrownAway, mine.peer, NOW), false)
    assert.equal(table.admits({ ...commitment, peer: other.peer }, mine.peer, NOW), false)
    assert.ok(table.admits(commitment, mine.peer, NOW))
    assert.equal(table.admits(commitment, mine.peer, NOW + minute - 1), false)
    assert.ok(table.admits(commitment, mine.peer, NOW + minute))
  })
  test('auditable for three hours, capable for good', async () => {
    const node = await world.node(2)
    const { commitment, pin } = await commit(node)
    const table = new audit.PeerCommitments()
    assert.equal(table.isCapable(node.peer), false)
    assert.equal(table.accept(commitment, NOW).pin, pin)
    assert.equal(table.auditable(node.peer, NOW + 3 * hour - 1)?.pin, pin)
    assert.equal(table.auditable(node.peer, NOW + 3 * hour), undefined)
    assert.equal(table.latest(node.peer)?.pin, pin)
    assert.ok(table.isCapable(node.peer))
  })
  test('what is kept is not the message it came in', async () => {
    const { commitment } = await commit(await world.node(2))
    const message = new Uint8Array(270 * 1024)
    message.set(commitment.root)
    const table = new audit.PeerCommitments()
    const known = table.accept({ ...commitment, root: message.subarray(0, 32) }, NOW).commitment
    assert.deepEqual(known.root, commitment.root)
    for (const bytes of [known.root, known.publicKey, known.signature])
      assert.equal(bytes.buffer.byteLength, bytes.length)
  })
  test('only so many are remembered', async () => {
    const table = new audit.PeerCommitments({ ...audit.defaultAuditOptions, peerCommitments: 3, capablePeers: 5 })
    const peers = []
    for (let i = 0; i < 7; i++) {
      const node = await world.node(1)
      table.accept((await commit(node)).commitment, NOW)
      peers.push(node.peer)
    }
    assert.deepEqual(
      peers.map((peer) => table.latest(peer) !== undefined).join(),
      'false,false,false,false,true,true,true',
    )
    assert.equal(peers.filter((peer) => table.isCapable(peer)).length, 5)
  })
})
