import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { hkdf } from '@noble/hashes/hkdf.js'
import { sha3_256 } from '@noble/hashes/sha3.js'
import { toHex, utf8 } from '../../../src/base/index.ts'
import { backend } from '../../../src/crypto/index.ts'
import * as protocol from '../../../src/protocol/index.ts'
import { readPeerId } from '../../../src/protocol/peer-id-codec.ts'
import { vectorBytes } from '../../support/vector-input.ts'
import type { Json } from './blob.ts'

export function keySuite(document: Json): void {
  describe('peer ids', () => {
    for (const vector of document.peer_ids) test(JSON.stringify(vector.text), () => checkPeerId(vector))
  })
  test('distances', () => {
    for (const { a, b, distance } of document.distances) {
      assert.equal(toHex(protocol.distance(vectorBytes(a), vectorBytes(b))), distance)
    }
  })
  test('closest orderings', () => {
    for (const { population, target, k, closest_indexes } of document.close_groups) {
      const key = vectorBytes(target)
      const nodes = Array.from({ length: population }, (_, i) => ({
        i,
        key: backend().blake3(utf8(`seed/addr/id/${i}`)),
      }))
      nodes.sort((x, y) => protocol.compareDistance(key, x.key, y.key))
      assert.deepEqual(
        nodes.slice(0, k).map(({ i }) => i),
        closest_indexes,
      )
    }
  })
  test('content addresses', () => {
    for (const { content, address } of document.content_addresses) {
      assert.equal(protocol.chunkAddressOf(backend().blake3(vectorBytes(content))), address)
    }
  })
  test('peer id of a seeded identity', () => {
    const seed = vectorBytes(document.identity_seed)
    const xi = hkdf(sha3_256, seed, undefined, utf8('saorsa-node-identity-seed'), 32)
    const { publicKey } = backend().mlDsaKeyPair(xi)
    assert.equal(protocol.peerIdOfPublicKey(publicKey), document.identity_peer_id)
  })
}

function checkPeerId(vector: Json): void {
  if (vector.error) {
    assert.throws(() => protocol.parsePeerId(vector.text), { code: 'PROTOCOL_PEER_ID' })
    return
  }
  const peer = protocol.parsePeerId(vector.text)
  assert.equal(peer, vector.hex)
  assert.equal(protocol.peerIdOf(protocol.keyOf(peer)), vector.hex)
  assert.equal(protocol.short(peer), vector.short)
  assert.equal(JSON.stringify(peer), vector.json)
  assert.equal(toHex(new protocol.Writer().string(peer).finish()), vector.postcard)
  assert.equal(readPeerId(new protocol.Reader(vectorBytes(vector.postcard))), peer)
  assert.equal(toHex(new protocol.MsgpackWriter().string(peer).finish()), vector.msgpack)
}
