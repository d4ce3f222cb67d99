/** Seal and open of one chunk, step by step as in self-encryption.md 5 to 7. */
import { createRequire } from 'node:module'
import { chacha20poly1305 } from '@noble/ciphers/chacha.js'
import { type Bytes, equal, utf8 } from '../../base/index.ts'
import type { SealedChunk } from '../backend.ts'
import { CryptoError } from '../errors.ts'
import { hashOnce } from './js-blake3.ts'

const KDF_CONTEXT = utf8('self_encryption/chunk/v2')
const PAD_BYTES = 52
const TAG_BYTES = 16
const BROTLI_QUALITY = 6

/** The part of brotli-wasm (the Rust encoder, window 22) that is used: its ESM door is asynchronous, this one is not. */
interface BrotliWasm {
  compress(data: Uint8Array, options: { quality: number }): Uint8Array
  readonly BrotliStreamResultCode: { readonly ResultSuccess: number; readonly NeedsMoreOutput: number }
  readonly DecompressStream: new () => {
    decompress(input: Uint8Array, outputSize: number): { readonly buf: Uint8Array; readonly code: number; free(): void }
    free(): void
  }
}

let loaded: BrotliWasm | undefined

function brotli(): BrotliWasm {
  loaded ??= createRequire(import.meta.url)('brotli-wasm') as BrotliWasm
  return loaded
}

export function sealChunk(plain: Uint8Array, input: Uint8Array): SealedChunk {
  const { pad, key, nonce } = derive(input)
  const compressed = brotli().compress(plain, { quality: BROTLI_QUALITY })
  const content = chacha20poly1305(key, nonce).encrypt(compressed) as Bytes
  applyPad(content, pad)
  return { content, address: hashOnce(content, 32) }
}

export function openChunk(content: Uint8Array, input: Uint8Array, size: number): Bytes {
  const { pad, key, nonce } = derive(input)
  const sealed = content.slice()
  applyPad(sealed, pad)
  const plain = decompress(decrypt(sealed, key, nonce), size)
  const source = input.subarray(0, 32)
  if (!equal(hashOnce(plain, 32), source)) throw new CryptoError('CRYPTO_OPEN_HASH', 'chunk has another source hash')
  return plain
}

function derive(input: Uint8Array): { pad: Uint8Array; key: Uint8Array; nonce: Uint8Array } {
  const output = hashOnce(input, 96, { context: KDF_CONTEXT })
  return { pad: output.subarray(0, PAD_BYTES), key: output.subarray(52, 84), nonce: output.subarray(84, 96) }
}

function applyPad(data: Uint8Array, pad: Uint8Array): void {
  for (let i = 0, j = 0; i < data.length; i++) {
    data[i] = (data[i] as number) ^ (pad[j] as number)
    j = j + 1 === PAD_BYTES ? 0 : j + 1
  }
}

function decrypt(sealed: Uint8Array, key: Uint8Array, nonce: Uint8Array): Uint8Array {
  const failed = (cause?: unknown) =>
    new CryptoError('CRYPTO_OPEN_AUTHENTICATION', `chunk of ${sealed.length} bytes fails its authentication`, { cause })
  if (sealed.length < TAG_BYTES) throw failed()
  try {
    return chacha20poly1305(key, nonce).decrypt(sealed)
  } catch (error) {
    throw failed(error)
  }
}

/** Stops at `size` + 1 bytes: a small chunk cannot unfold into a large one. */
function decompress(data: Uint8Array, size: number): Bytes {
  const { DecompressStream, BrotliStreamResultCode } = brotli()
  const stream = new DecompressStream()
  try {
    const result = stream.decompress(data, size + 1)
    const { buf, code } = result
    result.free()
    if (buf.length > size || code === BrotliStreamResultCode.NeedsMoreOutput)
      throw new CryptoError('CRYPTO_OPEN_SIZE', `chunk decompresses to more than ${size} bytes`)
    if (code !== BrotliStreamResultCode.ResultSuccess)
      throw new CryptoError('CRYPTO_OPEN_COMPRESSION', 'chunk holds a truncated Brotli stream')
    if (buf.length !== size)
      throw new CryptoError('CRYPTO_OPEN_SIZE', `chunk decompresses to ${buf.length} bytes, ${size} were declared`)
    return buf as Bytes
  } catch (cause) {
    if (cause instanceof CryptoError) throw cause
    throw new CryptoError('CRYPTO_OPEN_COMPRESSION', 'chunk holds no valid Brotli stream', { cause })
  } finally {
    stream.free()
  }
}
