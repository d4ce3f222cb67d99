/** DHTNode (wire.md 13.3): once as its fields are on the wire, once as the rest of the program wants it. */
import { compare, utf8 } from '../../base/index.ts'
import { isAddressType, typedAddresses } from '../address-type.ts'
import { ProtocolError } from '../errors.ts'
import type { PeerId } from '../key.ts'
import { readMultiaddr } from '../multiaddr-codec.ts'
import { ADDRESS_TYPE, type AddressType, type Multiaddr } from '../peer-address.ts'
import { readPeerId } from '../peer-id-codec.ts'
import type { Reader, Writer } from '../postcard.ts'
import type { DhtNode } from './dht.ts'

/** The fields as they travel. `types` may be shorter than `addresses`; `distance` carries no distance. */
export interface DhtNodeFields {
  readonly peerId: PeerId
  readonly addresses: readonly Multiaddr[]
  readonly types: readonly AddressType[]
  readonly distance?: Uint8Array
  readonly reliability: number
}

const SEQUENCE_MARKER = utf8('PUBSEQ01')
/** Id, two counts, the option tag and the reliability. */
export const MIN_NODE_BYTES = 65 + 1 + 1 + 1 + 8
/** A length and `/lora/x/0`, shorter than any real form. */
export const MIN_MULTIADDR_BYTES = 8

export function writeDhtNodeFields(writer: Writer, node: DhtNodeFields): void {
  writer.string(node.peerId)
  writer.list(node.addresses, (w, address) => w.string(address.text))
  writer.list(node.types, (w, type) => w.uint(type))
  writer.option(node.distance, (w, distance) => w.byteString(distance)).f64(node.reliability)
}

export function readDhtNodeFields(reader: Reader): DhtNodeFields {
  const peerId = readPeerId(reader)
  const addresses = reader.list(MIN_MULTIADDR_BYTES, readMultiaddr)
  const types = reader.list(1, readAddressType)
  const distance = reader.option((r) => r.byteString())
  return { peerId, addresses, types, ...(distance === undefined ? {} : { distance }), reliability: reader.f64() }
}

export function writeDhtNode(writer: Writer, { peerId, addresses, publicationSequence }: DhtNode): void {
  writeDhtNodeFields(writer, {
    peerId,
    addresses: addresses.map(({ address }) => address),
    types: addresses.map(({ type }) => type),
    ...(publicationSequence === undefined ? {} : { distance: sequenceField(publicationSequence) }),
    reliability: 1,
  })
}

export function readDhtNode(reader: Reader): DhtNode {
  const { peerId, addresses, types, distance } = readDhtNodeFields(reader)
  const publicationSequence = distance && sequenceIn(distance)
  return {
    peerId,
    addresses: typedAddresses(addresses, types),
    ...(publicationSequence === undefined ? {} : { publicationSequence }),
  }
}

export function readAddressType(reader: Reader): AddressType {
  const value = reader.u32()
  if (!isAddressType(value)) {
    throw new ProtocolError('PROTOCOL_DECODE', `an address type is 0 to ${ADDRESS_TYPE.lan}, got ${value}`)
  }
  return value
}

/** Whoever fills it copies it at once. */
const sequenceBytes = new Uint8Array(16)
sequenceBytes.set(SEQUENCE_MARKER)
const sequenceView = new DataView(sequenceBytes.buffer)

/** `PUBSEQ01` and the sequence, big-endian: the only number on this wire that is. Valid until the next call. */
function sequenceField(sequence: bigint): Uint8Array {
  sequenceView.setBigUint64(8, sequence)
  return sequenceBytes
}

function sequenceIn(field: Uint8Array): bigint | undefined {
  if (field.length !== 16 || compare(field.subarray(0, 8), SEQUENCE_MARKER) !== 0) return undefined
  return new DataView(field.buffer, field.byteOffset).getBigUint64(8)
}
