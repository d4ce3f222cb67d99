/** Bytes of DHT messages (wire.md 13), the same on both topics. */
import { type Bytes, concat } from '../../base/index.ts'
import { addressProofParts, readAddressProofs } from '../address-proofs.ts'
import { readAddressRecord } from '../address-record.ts'
import { effectiveType } from '../address-type.ts'
import { MAX_DHT_MESSAGE_BYTES, TOPIC_DHT, TOPIC_DHT_ADDRESS } from '../constants.ts'
import { ProtocolError } from '../errors.ts'
import { KEY_BYTES, type Key } from '../key.ts'
import { readMultiaddr } from '../multiaddr-codec.ts'
import type { TypedAddress } from '../peer-address.ts'
import { readPeerId } from '../peer-id-codec.ts'
import { Reader, Writer } from '../postcard.ts'
import type { DhtMessage, DhtOperation, DhtResult, SignedAddressRecord } from './dht.ts'
import { MIN_MULTIADDR_BYTES, MIN_NODE_BYTES, readAddressType, readDhtNode, writeDhtNode } from './dht-node-codec.ts'

/** Each in the order of its discriminants. */
const TYPES = ['request', 'response', 'broadcast', 'error'] as const satisfies readonly DhtMessage['type'][]
const OPERATIONS = [
  'findNode',
  'ping',
  'join',
  'leave',
  'publishAddressSet',
  'publishAddressSetV2',
] as const satisfies readonly DhtOperation['kind'][]
const RESULTS = [
  'nodesFound',
  'pongReceived',
  'joinSuccess',
  'leaveSuccess',
  'peerRejected',
  'publishAddressAck',
  'error',
] as const satisfies readonly DhtResult['kind'][]

/** A NodesFound reply may bring signed records of the nodes that it names; they are not verified yet. */
export interface DecodedDhtMessage {
  readonly message: DhtMessage
  readonly proofs: readonly SignedAddressRecord[]
}

/**
 * Encodes a message; `proofs` are appended as far as they fit, in their order, their original bytes unmodified.
 * Throws PROTOCOL_TOO_LARGE when the message alone exceeds 64 KiB: then no reply is sent.
 */
export function encodeDhtMessage(message: DhtMessage, proofs: readonly SignedAddressRecord[] = []): Bytes {
  const [head, ...trailer] = dhtMessageParts(message, proofs)
  return trailer.length === 0 ? head : concat([head, ...trailer])
}

/** The same in parts, the proofs where they are: they are copied once, into the message that is signed. */
export function dhtMessageParts(
  message: DhtMessage,
  proofs: readonly SignedAddressRecord[] = [],
): [Bytes, ...Uint8Array[]] {
  const writer = new Writer(capacityFor(message))
  writer.string(message.messageId).string(message.source)
  writer.option(message.target, (w, target) => w.string(target))
  writer.uint(TYPES.indexOf(message.type))
  writeOperation(writer, message.operation)
  writer.option(message.result, writeResult)
  writer.uint(message.timestamp).u8(message.ttl).u8(message.hopCount)
  if (writer.length > MAX_DHT_MESSAGE_BYTES) throw tooLarge(writer.length)
  return [writer.finish(), ...addressProofParts(writer.length, proofs)]
}

/** About what the message takes, so that its memory need not grow. */
function capacityFor({ operation, result }: DhtMessage): number {
  const record = operation.kind === 'publishAddressSetV2' ? operation.record.encoded.length : 0
  const nodes = result?.kind === 'nodesFound' ? result.nodes.length : 0
  return 384 + record + 192 * nodes
}

/**
 * Throws PROTOCOL_TOO_LARGE above 64 KiB, PROTOCOL_DECODE otherwise (one bad multiaddr anywhere is enough). A bad
 * trailer is ignored; proofs of owners that the reply does not name are left out.
 */
export function decodeDhtMessage(bytes: Uint8Array): DecodedDhtMessage {
  if (bytes.length > MAX_DHT_MESSAGE_BYTES) throw tooLarge(bytes.length)
  const reader = new Reader(bytes)
  const message = readMessage(reader)
  const { type, result } = message
  if (type !== 'response' || result?.kind !== 'nodesFound' || reader.remaining === 0) return { message, proofs: [] }
  const named = new Set(result.nodes.map(({ peerId }) => peerId))
  const proofs = readAddressProofs(bytes.subarray(reader.offset))
  return { message, proofs: proofs.filter(({ owner }) => named.has(owner)) }
}

/** Whether a message may stand on its topic (wire.md 14.3): the address topic has three legal shapes. */
export function isLegalOnTopic(topic: string, { type, operation, result }: DhtMessage): boolean {
  if (topic === TOPIC_DHT) return true
  if (topic !== TOPIC_DHT_ADDRESS) return false
  if (type === 'request') return operation.kind === 'publishAddressSetV2' && result === undefined
  if (type !== 'response') return false
  if (operation.kind === 'publishAddressSetV2') return result?.kind === 'peerRejected'
  return operation.kind === 'ping' && result?.kind === 'publishAddressAck'
}

function tooLarge(length: number): ProtocolError {
  return new ProtocolError('PROTOCOL_TOO_LARGE', `a DHT message of ${length} bytes exceeds ${MAX_DHT_MESSAGE_BYTES}`)
}

function writeOperation(writer: Writer, operation: DhtOperation): void {
  writer.uint(OPERATIONS.indexOf(operation.kind))
  switch (operation.kind) {
    case 'findNode':
      writer.raw(operation.key)
      return
    case 'publishAddressSet':
      writer.uint(operation.sequence)
      writer.list(operation.addresses, (w, { address, type }) => w.string(address.text).uint(type))
      return
    case 'publishAddressSetV2':
      writer.raw(operation.record.encoded)
      return
    default:
  }
}

function writeResult(writer: Writer, result: DhtResult): void {
  writer.uint(RESULTS.indexOf(result.kind))
  switch (result.kind) {
    case 'nodesFound':
      writer.raw(result.key).list(result.nodes, writeDhtNode)
      return
    case 'pongReceived':
      // A latency of no seconds and no nanoseconds: nobody measures it.
      writer.string(result.responder).uint(0).uint(0)
      return
    case 'joinSuccess':
      writer.raw(result.assignedKey).uint(result.bootstrapPeers)
      return
    case 'error':
      writer.string(result.operation).string(result.error)
      return
    default:
  }
}

function readMessage(reader: Reader): DhtMessage {
  const messageId = reader.string()
  const source = readPeerId(reader)
  const target = reader.option(readPeerId)
  const type = TYPES[reader.variant(TYPES.length)] as DhtMessage['type']
  const operation = readOperation(reader)
  const result = reader.option(readResult)
  return {
    messageId,
    source,
    ...(target === undefined ? {} : { target }),
    type,
    operation,
    ...(result === undefined ? {} : { result }),
    timestamp: reader.nearest(),
    ttl: reader.u8(),
    hopCount: reader.u8(),
  }
}

function readOperation(reader: Reader): DhtOperation {
  const kind = OPERATIONS[reader.variant(OPERATIONS.length)] as DhtOperation['kind']
  switch (kind) {
    case 'findNode':
      return { kind, key: readKey(reader) }
    case 'publishAddressSet':
      return { kind, sequence: reader.u64(), addresses: reader.list(MIN_MULTIADDR_BYTES + 1, readTypedAddress) }
    case 'publishAddressSetV2':
      return { kind, record: readAddressRecord(reader) }
    default:
      return { kind }
  }
}

function readResult(reader: Reader): DhtResult {
  const kind = RESULTS[reader.variant(RESULTS.length)] as DhtResult['kind']
  switch (kind) {
    case 'nodesFound':
      return { kind, key: readKey(reader), nodes: reader.list(MIN_NODE_BYTES, readDhtNode) }
    case 'pongReceived': {
      const responder = readPeerId(reader)
      reader.u64()
      reader.u32()
      return { kind, responder }
    }
    case 'joinSuccess':
      return { kind, assignedKey: readKey(reader), bootstrapPeers: reader.nearest() }
    case 'error':
      return { kind, operation: reader.string(), error: reader.string() }
    default:
      return { kind }
  }
}

function readTypedAddress(reader: Reader): TypedAddress {
  const address = readMultiaddr(reader)
  return { address, type: effectiveType(address, readAddressType(reader)) }
}

/** A copy, because keys outlive the message. */
function readKey(reader: Reader): Key {
  return reader.raw(KEY_BYTES).slice() as Key
}
