/** dht: who is close to a key. */
export * from './dht.ts'
