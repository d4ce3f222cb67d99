import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { toHex } from '../../../src/base/index.ts'
import * as protocol from '../../../src/protocol/index.ts'
import { readMultiaddr } from '../../../src/protocol/multiaddr-codec.ts'
import { vectorBytes } from '../../support/vector-input.ts'
import type { Json } from './blob.ts'

export function multiaddrSuite(document: Json): void {
  describe('multiaddrs', () => {
    for (const vector of document.multiaddrs) {
      test(JSON.stringify(vector.text), () => (vector.error ? refuses(vector) : accepts(vector)))
    }
  })
}

function refuses(vector: Json): void {
  assert.throws(() => protocol.parseMultiaddr(vector.text), { code: 'PROTOCOL_MULTIADDR' })
  assert.equal(protocol.tryParseMultiaddr(vector.text), undefined)
  const postcard = new protocol.Writer().string(vector.text).finish()
  assert.throws(() => readMultiaddr(new protocol.Reader(postcard)), { code: 'PROTOCOL_DECODE' })
}

function accepts(vector: Json): void {
  const address = protocol.parseMultiaddr(vector.text)
  assert.equal(address.text, vector.canonical)
  assert.deepEqual(protocol.parseMultiaddr(vector.canonical), address)
  assert.equal(address.transport === 'quic', vector.is_quic)
  assert.equal(address.transport === 'webrtc-direct', vector.is_webrtc_direct)
  assert.equal(address.peerId ?? null, vector.peer_id)
  assert.equal(socketText(address.socket), asCompared(vector.socket))
  assert.equal(socketText(protocol.dialable(address)), asCompared(vector.dialable))
  assert.equal(address.socket?.port ?? null, vector.port)
  assert.equal(protocol.isStorable(address), vector.storable)
  assert.equal(protocol.isLoopback(address), vector.loopback)
  assert.equal(protocol.isLan(address), vector.lan)
  assert.equal(address.text.startsWith('/ip4/'), vector.ipv4)
  assert.equal(address.text.startsWith('/ip6/'), vector.ipv6)
  assert.equal(toHex(new protocol.Writer().string(address.text).finish()), vector.postcard)
  assert.deepEqual(readMultiaddr(new protocol.Reader(vectorBytes(vector.postcard))), address)
  if (vector.transport_record) checkRecord(address, vector.transport_record)
  else assert.throws(() => protocol.transportRecord({ address, type: 1 }), { code: 'PROTOCOL_ENCODE' })
}

function checkRecord(address: protocol.Multiaddr, expected: Json): void {
  const type = (expected.reachability - 1) as protocol.AddressType
  const record = protocol.transportRecord({ address, type })
  assert.equal(record.transport, expected.transport)
  const writer = new protocol.Writer().uint(record.transport).uint(record.reachability).byteString(record.address)
  assert.equal(toHex(writer.finish()), expected.postcard)
}

function socketText(socket: protocol.SocketAddress | undefined): string | null {
  return socket ? protocol.formatSocketAddress(socket) : null
}

/** The reference keeps IPv4-mapped sockets as IPv6 and unmaps them when it compares; ours are unmapped at once. */
function asCompared(text: string | null): string | null {
  return text?.replace(/^\[::ffff:([0-9.]+)\]/, '$1') ?? null
}
