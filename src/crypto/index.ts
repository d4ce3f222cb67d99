/** crypto: pure synchronous primitives on the backend in force. */
export { type Addon, loadAddon } from './backend/addon.ts'
export type { AddonFile, AddonOrigin } from './backend/addon-file.ts'
export * from './backend.ts'
export * from './errors.ts'
export * from './ml-dsa.ts'
export * from './select.ts'
export * from './signatures.ts'
