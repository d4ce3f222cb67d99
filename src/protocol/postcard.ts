/** Both halves of postcard, for codecs. */
export { Reader } from './postcard-reader.ts'
export { varintBytes, Writer } from './postcard-writer.ts'
