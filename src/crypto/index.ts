/** crypto: pure synchronous primitives on the backend in force. */
export * from './backend.ts'
export * from './errors.ts'
export * from './signatures.ts'
