/**
 * The table of kernels, given three times: native addon, WebAssembly, plain JS (the judge).
 * All calls are synchronous and stateless. Inputs are borrowed, results fresh. Wrong lengths or types throw
 * CryptoError with code CRYPTO_ARGUMENT; they never crash the process.
 */
import type { Bytes } from '../base/index.ts'

export const HASH_BYTES = 32
export const ML_DSA_PUBLIC_KEY_BYTES = 1952
export const ML_DSA_SECRET_KEY_BYTES = 4032
export const ML_DSA_SIGNATURE_BYTES = 3309
export const ML_DSA_SEED_BYTES = 32
export const ML_DSA_CONTEXT_MAX_BYTES = 255
/** rnd of FIPS 204, algorithm 2. */
export const ML_DSA_RANDOMNESS_BYTES = 32
/** Longest message to sign or verify: far above any wire message, and it fits the wasm core's memory. */
export const ML_DSA_MESSAGE_MAX_BYTES = 2 ** 28
/** Longest BLAKE3 output of one call. */
export const OUTPUT_MAX_BYTES = 2 ** 30
/** Largest plain chunk that is sealed or opened: four times the network's, so that a wrong size meets a limit early. */
export const SEAL_PLAIN_MAX_BYTES = 2 ** 24
/** The same for the encrypted form: Brotli may add a little to bytes that it cannot compress. */
export const OPEN_CONTENT_MAX_BYTES = 2 ** 24 + 2 ** 16

export type BackendName = 'native' | 'wasm' | 'js'

/** Incremental BLAKE3. `digest` may be called more than once and may be followed by more `update`s. */
export interface Hasher {
  update(data: Uint8Array): this
  /** `length` bytes of output (XOF), 32 by default. */
  digest(length?: number): Bytes
}

export interface KeyPair {
  /** 1952 bytes. */
  readonly publicKey: Bytes
  /** 4032 bytes, the expanded form of FIPS 204. */
  readonly secretKey: Bytes
}

export interface SignOptions {
  /** FIPS 204 context, at most 255 bytes; empty by default. */
  readonly context?: Uint8Array
  /** true: the deterministic variant (rnd = 32 zero bytes). Default: hedged with fresh randomness. */
  readonly deterministic?: boolean
  /** 32 bytes in the place of fresh randomness: for seeded runs and known answers. Excludes `deterministic`. */
  readonly randomness?: Uint8Array
}

/** Everything that one chunk's seal depends on besides its bytes (self-encryption.md 5). */
export interface SealKeys {
  /** BLAKE3 of the plain chunk. */
  readonly source: Uint8Array
  /** Source hashes of the two neighbours, in the order n1, n2. */
  readonly neighbour1: Uint8Array
  readonly neighbour2: Uint8Array
  /** Position in the file. */
  readonly index: number
  /** 0 for the file's own chunks, k for those of the k-th shrink. */
  readonly level: number
}

export interface SealedChunk {
  /** Encrypted bytes. */
  readonly content: Bytes
  /** BLAKE3 of the encrypted bytes: the network address. */
  readonly address: Bytes
}

/**
 * Kernels on threads that the backend has by itself, for large inputs. `data` and `message` are borrowed until the
 * promise settles and must not be transferred to anybody meanwhile. Results are those of the synchronous calls.
 */
export interface OffThread {
  blake3(data: Uint8Array): Promise<Bytes>
  /** Hedged with fresh randomness. */
  mlDsaSign(secretKey: Uint8Array, message: Uint8Array, context?: Uint8Array): Promise<Bytes>
  mlDsaVerify(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array, context?: Uint8Array): Promise<boolean>
  noncedRoot(blockKey: Uint8Array, content: Uint8Array): Promise<Bytes>
  noncedPath(blockKey: Uint8Array, content: Uint8Array, index: number): Promise<Bytes>
  baoSlice(content: Uint8Array, index: number): Promise<Bytes>
}

export interface Backend {
  readonly name: BackendName
  /** Only where the backend brings threads (native). */
  readonly offThread?: OffThread
  blake3(data: Uint8Array): Bytes
  /** Writes the 32-byte hash into `out` at `offset`. */
  blake3Into(data: Uint8Array, out: Uint8Array, offset?: number): void
  blake3Keyed(key: Uint8Array, data: Uint8Array): Bytes
  /** derive_key mode: `length` bytes, 32 by default. */
  blake3DeriveKey(context: string, material: Uint8Array, length?: number): Bytes
  /** Plain mode with `length` bytes of output. */
  blake3Xof(data: Uint8Array, length: number): Bytes
  createHasher(): Hasher
  createKeyedHasher(key: Uint8Array): Hasher
  createDeriveKeyHasher(context: string): Hasher

  mlDsaKeyPair(seed: Uint8Array): KeyPair
  /** The public key (1952 bytes) that belongs to an expanded secret key. */
  mlDsaPublicKey(secretKey: Uint8Array): Bytes
  mlDsaSign(secretKey: Uint8Array, message: Uint8Array, options?: SignOptions): Bytes
  /** false for anything that is not a valid signature of this message by this key; wrong lengths too. */
  mlDsaVerify(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array, context?: Uint8Array): boolean

  /** Brotli (quality 6, window 22), ChaCha20-Poly1305, pad, BLAKE3: self-encryption.md 5 and 6. */
  sealChunk(plain: Uint8Array, keys: SealKeys): SealedChunk
  /**
   * The way back with every check: throws CryptoError CRYPTO_OPEN_AUTHENTICATION (tag), CRYPTO_OPEN_SIZE (longer or
   * shorter than `size`), CRYPTO_OPEN_HASH (source hash differs), CRYPTO_OPEN_COMPRESSION (no valid Brotli stream).
   */
  openChunk(content: Uint8Array, keys: SealKeys, size: number): Bytes

  /** Root of the nonced tree over the 1024-byte blocks of a content of at most 16 MiB (replication.md 16.3). */
  noncedRoot(blockKey: Uint8Array, content: Uint8Array): Bytes
  /** The siblings of block `index` from its leaf upwards, 32 bytes each; none when there is one block. */
  noncedPath(blockKey: Uint8Array, content: Uint8Array, index: number): Bytes
  /** Bao slice of block `index`: length header, parents from the root down, the block. At most 1 928 bytes. */
  baoSlice(content: Uint8Array, index: number): Bytes
}
