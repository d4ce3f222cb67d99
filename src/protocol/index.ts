/**
 * protocol: what two nodes must agree on; pure; the wire spec as code. Decoders throw ProtocolError and nothing else
 * (PROTOCOL_DECODE, PROTOCOL_TOO_LARGE), return views into the message unless they say otherwise, and ignore trailing
 * bytes. Encoders write the one canonical form. Verifiers return a verdict.
 *
 * - Keys: PeerId, ChunkAddress, keyOf, parsePeerId, peerIdOfPublicKey, distance, compareDistance, commonPrefixLength.
 * - Addresses: parseMultiaddr, quicMultiaddr, dialable, isStorable, isLan, isLoopback, isUnspecified, isMulticast,
 *   subnetOf, normalizeIp, effectiveType, byPriority.
 * - Envelopes: encodeWireMessage, encodeIdentityAnnounce, decodeWireMessage, verifyWireMessage; encode- and
 *   decodeRequestEnvelope, requestTopic, protocolOfTopic.
 * - DHT: encodeDhtMessage(message, proofs), decodeDhtMessage, isLegalOnTopic; createAddressRecord,
 *   verifyAddressRecord, addressesOfRecord, transportRecord.
 * - Chunks: encodeChunkMessage, decodeChunkMessage, describeChunkError.
 * - Replication: encode- and decodeReplicationMessage, replicationTopicOf, replicationKindOf,
 *   replicationCeiling, isPlainReplication;
 *   storage commitments and their sidecars; pointers; the relay canary.
 * - Formats: Reader and Writer (postcard), MsgpackReader and MsgpackWriter.
 */
export * from './address-proofs.ts'
export * from './address-record.ts'
export * from './address-type.ts'
export * from './constants.ts'
export * from './errors.ts'
export * from './ip.ts'
export * from './key.ts'
export * from './message-data.ts'
export { readSubtreeProof, writeSubtreeProof } from './messages/audit-codec.ts'
export * from './messages/chunk.ts'
export * from './messages/chunk-codec.ts'
export { describeChunkError } from './messages/chunk-error-codec.ts'
export * from './messages/dht.ts'
export * from './messages/dht-codec.ts'
export {
  type DhtNodeFields,
  readDhtNode,
  readDhtNodeFields,
  writeDhtNode,
  writeDhtNodeFields,
} from './messages/dht-node-codec.ts'
export * from './messages/replication.ts'
export * from './messages/replication-codec.ts'
export * from './msgpack-reader.ts'
export * from './msgpack-writer.ts'
export * from './multiaddr.ts'
export * from './peer-address.ts'
export * from './peer-id.ts'
export * from './pointer.ts'
export * from './postcard.ts'
export * from './relay-canary.ts'
export * from './request-envelope.ts'
export * from './storage-commitment.ts'
export * from './wire-message.ts'
