/** transport: authenticated messages between two sockets. */
export * from './errors.ts'
export * from './transport.ts'
