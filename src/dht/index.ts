/** dht: who is close to a key. */
export { closest } from './close-group.ts'
export * from './create-dht.ts'
export * from './dht.ts'
export * from './errors.ts'
export { type DhtOptions, dhtDefaults } from './options.ts'
export type { PeerFiles } from './peer-cache-files.ts'
