import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { toHex } from '../../../src/base/index.ts'
import * as protocol from '../../../src/protocol/index.ts'
import { vectorBytes } from '../../support/vector-input.ts'
import type { Json } from './blob.ts'

const TYPES: Readonly<Record<string, protocol.AddressType>> = { Relay: 0, Direct: 1, Unverified: 2, Lan: 3 }
const NO_TIER = 255

export function dhtNodeSuite(document: Json): void {
  test('address types', () => {
    for (const { name, postcard, priority } of document.address_types) {
      const type = protocol.ADDRESS_TYPE[name.toLowerCase() as keyof typeof protocol.ADDRESS_TYPE]
      assert.equal(type, priority)
      assert.equal(toHex(new protocol.Writer().uint(type).finish()), postcard)
    }
  })
  describe('DHT nodes', () => {
    for (const vector of document.dht_nodes) test(vector.node.peer_id.slice(0, 16), () => checkNode(vector))
  })
}

function checkNode(vector: Json): void {
  const bytes = vectorBytes(vector.postcard)
  const fields = protocol.readDhtNodeFields(new protocol.Reader(bytes))
  assert.deepEqual(fieldsAsJson(fields), vector.node)
  const writer = new protocol.Writer()
  protocol.writeDhtNodeFields(writer, fields)
  assert.equal(toHex(writer.finish()), vector.postcard)

  const node = protocol.readDhtNode(new protocol.Reader(bytes))
  assert.deepEqual(node.addresses.map(typed), vector.typed_addresses.map(typedVector))
  const ordered = protocol.byPriority(node.addresses)
  assert.deepEqual(ordered.map(typed), vector.by_priority.map(typedVector))
  assert.equal(ordered[0]?.type ?? NO_TIER, vector.best_tier_priority)
  const { distance } = vector.node
  const sequence = distance?.startsWith('5055425345513031') ? BigInt(`0x${distance.slice(16)}`) : undefined
  assert.equal(node.publicationSequence, sequence)
}

function fieldsAsJson({ peerId, addresses, types, distance, reliability }: protocol.DhtNodeFields): unknown {
  return {
    peer_id: peerId,
    addresses: addresses.map(({ text }) => text),
    address_types: types.map((type) => Object.keys(TYPES)[type]),
    distance: distance ? toHex(distance) : null,
    reliability,
  }
}

const typed = ({ address, type }: protocol.TypedAddress) => [address.text, type]
const typedVector = ([text, name]: [string, string]) => [text, TYPES[name]]
