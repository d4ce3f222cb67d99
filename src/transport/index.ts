/** transport: authenticated messages between two sockets. */
export * from './errors.ts'
export * from './memory-transport.ts'
export * from './options.ts'
export * from './transport.ts'
