/** protocol: what two nodes must agree on; pure; the wire spec as code. */
export * from './address-proofs.ts'
export * from './address-record.ts'
export * from './address-type.ts'
export * from './constants.ts'
export * from './errors.ts'
export * from './ip.ts'
export * from './key.ts'
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
export * from './msgpack.ts'
export * from './multiaddr.ts'
export * from './peer-address.ts'
export * from './peer-id.ts'
export * from './pointer.ts'
export * from './postcard.ts'
export * from './relay-canary.ts'
export * from './request-envelope.ts'
export * from './storage-commitment.ts'
export * from './wire-message.ts'
