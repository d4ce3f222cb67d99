/** Our DHT messages in the JSON of the vectors. */
import { toHex } from '../../../src/base/index.ts'
import { backend, mlDsaVerifier } from '../../../src/crypto/index.ts'
import * as protocol from '../../../src/protocol/index.ts'

const TYPES = ['Relay', 'Direct', 'Unverified', 'Lan']
const upper = (name: string) => name.charAt(0).toUpperCase() + name.slice(1)

export async function dhtAsJson(message: protocol.DhtMessage): Promise<unknown> {
  return {
    message_id: message.messageId,
    source: message.source,
    target: message.target ?? null,
    message_type: upper(message.type),
    payload: await operationAsJson(message.operation),
    result: message.result ? resultAsJson(message.result) : null,
    timestamp: message.timestamp,
    ttl: message.ttl,
    hop_count: message.hopCount,
  }
}

async function operationAsJson(operation: protocol.DhtOperation): Promise<unknown> {
  switch (operation.kind) {
    case 'findNode':
      return { FindNode: { key: toHex(operation.key) } }
    case 'publishAddressSet': {
      const addresses = operation.addresses.map(({ address, type }) => [address.text, TYPES[type]])
      return { PublishAddressSet: { seq: String(operation.sequence), addresses } }
    }
    case 'publishAddressSetV2': {
      const verdict = await protocol.verifyAddressRecord(operation.record, mlDsaVerifier(backend()))
      const record = { record_hex: toHex(operation.record.encoded), verify: verdict.kind === 'ok' }
      return { PublishAddressSetV2: record }
    }
    default:
      return upper(operation.kind)
  }
}

function resultAsJson(result: protocol.DhtResult): unknown {
  switch (result.kind) {
    case 'nodesFound':
      return { NodesFound: { key: toHex(result.key), nodes: result.nodes.map(nodeAsJson) } }
    case 'pongReceived':
      return { PongReceived: { responder: result.responder, latency: { secs: 0, nanos: 0 } } }
    case 'joinSuccess':
      return { JoinSuccess: { assigned_key: toHex(result.assignedKey), bootstrap_peers: result.bootstrapPeers } }
    case 'error':
      return { Error: { operation: result.operation, error: result.error } }
    default:
      return upper(result.kind)
  }
}

function nodeAsJson(node: protocol.DhtNode): unknown {
  const writer = new protocol.Writer()
  protocol.writeDhtNode(writer, node)
  const { distance, reliability } = protocol.readDhtNodeFields(new protocol.Reader(writer.finish()))
  return {
    peer_id: node.peerId,
    addresses: node.addresses.map(({ address }) => address.text),
    address_types: node.addresses.map(({ type }) => TYPES[type]),
    distance: distance ? toHex(distance) : null,
    reliability,
  }
}
