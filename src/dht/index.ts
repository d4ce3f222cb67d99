/** dht: who is close to a key. */
export * from './dht.ts'
export * from './errors.ts'
