/** Both halves of postcard, for codecs. */
export { Reader } from './postcard-reader.ts'
export { RopeWriter, varintBytes, Writer } from './postcard-writer.ts'
