/** dht: who is close to a key. */
export { closest } from './close-group.ts'
export * from './create-dht.ts'
export * from './dht.ts'
export * from './errors.ts'
export { type DhtOptions, dhtDefaults, FILE_LIMITS } from './options.ts'
export * from './peer-files.ts'
