/** protocol: what two nodes must agree on; pure; the wire spec as code. */
export * from './constants.ts'
export * from './errors.ts'
export * from './key.ts'
export * from './messages/chunk.ts'
export * from './messages/dht.ts'
export * from './peer-address.ts'
