/** storage: bytes on disk; no network words. */
export * from './chunk-store.ts'
export * from './errors.ts'
