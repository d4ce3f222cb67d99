/**
 * The key file `node_identity.key`: JSON of the reference (`{"secret_key":[…],"public_key":[…]}`), so that a stock
 * identity can be taken over; with a passphrase a form of our own. Mode 0600: a file that others can read is refused.
 */
import { createCipheriv, createDecipheriv, scrypt } from 'node:crypto'
import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { type Bytes, codeOf, fromHex, systemRandom, toHex, utf8 } from '../base/index.ts'
import { type FileSystem, nodeFileSystem, writeDurably } from '../storage/index.ts'
import { NodeError } from './errors.ts'
import { generateIdentity, type Identity, verifiedIdentity } from './identity.ts'

export const IDENTITY_FILE = 'node_identity.key'

const MAX_FILE_BYTES = 256 * 1024
/** 128 MiB and about half a second on a small board: RFC 7914 with N = 2^17 as OWASP advises. */
const SCRYPT = { N: 2 ** 17, r: 8, p: 1 } as const
const MAX_SCRYPT_MEMORY = 512 * 1024 * 1024

interface SealedIdentity {
  readonly myrmex_identity: 1
  readonly kdf: {
    readonly name: 'scrypt'
    readonly n: number
    readonly r: number
    readonly p: number
    readonly salt: string
  }
  readonly cipher: 'chacha20-poly1305'
  readonly nonce: string
  readonly public_key: string
  /** Ciphertext and tag of the secret key. */
  readonly secret_key: string
}

/** Loads the identity in `folder`, or creates one; `created` tells which, `sealed` whether the file needs a passphrase. */
export async function loadOrCreateIdentity(
  folder: string,
  passphrase?: string,
  fileSystem: FileSystem = nodeFileSystem,
): Promise<Identity & { created: boolean; sealed: boolean }> {
  const path = join(folder, IDENTITY_FILE)
  const text = await readPrivate(path)
  if (text !== undefined) return { ...(await parseIdentity(text, path, passphrase)), created: false }
  const identity = generateIdentity()
  const form = passphrase === undefined ? plainForm(identity) : await sealedForm(identity, passphrase)
  await writePrivate(fileSystem, folder, form)
  return { ...identity, created: true, sealed: passphrase !== undefined }
}

async function readPrivate(path: string): Promise<string | undefined> {
  try {
    const { mode, size } = await stat(path)
    if (process.platform !== 'win32' && (mode & 0o077) !== 0) {
      throw new NodeError(
        'NODE_IDENTITY_READABLE',
        `others can read the secret key in ${path}. Run: chmod 600 '${path}'`,
      )
    }
    if (size > MAX_FILE_BYTES)
      throw new NodeError(
        'NODE_IDENTITY_CORRUPT',
        `${path} has ${size} bytes; an identity has at most ${MAX_FILE_BYTES}`,
      )
    return await readFile(path, 'utf8')
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined
    throw error
  }
}

/** Durable when it resolves: peers know a node by its key from its first message on. */
async function writePrivate(fileSystem: FileSystem, folder: string, text: string): Promise<void> {
  // Nothing is locked yet: a name that no other process takes.
  const temp = `${IDENTITY_FILE}.${fileSystem.processId}.${toHex(systemRandom.bytes(4))}.tmp`
  const outcome = await writeDurably(fileSystem, folder, { temp, name: IDENTITY_FILE }, utf8(text), 0o600)
  if (outcome.kind === 'unflushed') throw outcome.cause
}

async function parseIdentity(
  text: string,
  path: string,
  passphrase: string | undefined,
): Promise<Identity & { sealed: boolean }> {
  let parsed: unknown
  try {
    parsed = JSON.parse(text)
  } catch (error) {
    throw new NodeError(
      'NODE_IDENTITY_CORRUPT',
      `${path} is not JSON. Restore it from a backup, or move it away to start with a new identity.`,
      { cause: error },
    )
  }
  const record = parsed as Record<string, unknown> | null
  if (record?.['myrmex_identity'] === 1)
    return { ...(await openSealed(parsed as SealedIdentity, path, passphrase)), sealed: true }
  const publicKey = byteArray(record?.['public_key'])
  const secretKey = byteArray(record?.['secret_key'])
  if (!publicKey || !secretKey)
    throw new NodeError('NODE_IDENTITY_CORRUPT', `${path} does not hold the byte arrays secret_key and public_key`)
  return { ...verifiedIdentity(publicKey, secretKey, path), sealed: false }
}

async function openSealed(sealed: SealedIdentity, path: string, passphrase: string | undefined): Promise<Identity> {
  if (passphrase === undefined) {
    throw new NodeError(
      'NODE_IDENTITY_PASSPHRASE',
      `${path} is protected: give its passphrase in MYRMEX_PASSPHRASE or with --passphrase-file`,
    )
  }
  const { kdf } = sealed
  const [salt, nonce, publicKey, secretKey] = [kdf?.salt, sealed.nonce, sealed.public_key, sealed.secret_key].map(
    (hex) => (typeof hex === 'string' ? fromHex(hex) : undefined),
  )
  const memory = 128 * Number(kdf?.n) * Number(kdf?.r)
  if (
    !salt ||
    nonce?.length !== 12 ||
    !publicKey ||
    !secretKey ||
    secretKey.length < 16 ||
    sealed.cipher !== 'chacha20-poly1305' ||
    !(memory <= MAX_SCRYPT_MEMORY)
  ) {
    throw new NodeError('NODE_IDENTITY_CORRUPT', `${path} is a protected identity with fields that make no sense`)
  }
  const key = await stretch(passphrase, salt, kdf).catch((error: unknown) => {
    const message = `${path} is a protected identity with key parameters that are not allowed`
    throw new NodeError('NODE_IDENTITY_CORRUPT', message, { cause: error })
  })
  const decipher = createDecipheriv('chacha20-poly1305', key, nonce, { authTagLength: 16 })
  decipher.setAAD(publicKey, { plaintextLength: secretKey.length - 16 })
  decipher.setAuthTag(secretKey.subarray(secretKey.length - 16))
  try {
    const plain = Buffer.concat([decipher.update(secretKey.subarray(0, -16)), decipher.final()])
    return verifiedIdentity(publicKey, new Uint8Array(plain), path)
  } catch (error) {
    if (error instanceof NodeError) throw error
    throw new NodeError('NODE_IDENTITY_PASSPHRASE', `the passphrase does not open ${path}`, { cause: error })
  }
}

function plainForm(identity: Identity): string {
  return JSON.stringify({ secret_key: [...identity.secretKey], public_key: [...identity.publicKey] }, undefined, 2)
}

async function sealedForm(identity: Identity, passphrase: string): Promise<string> {
  const [salt, nonce] = [systemRandom.bytes(16), systemRandom.bytes(12)]
  const kdf = { name: 'scrypt', n: SCRYPT.N, r: SCRYPT.r, p: SCRYPT.p, salt: toHex(salt) } as const
  const cipher = createCipheriv('chacha20-poly1305', await stretch(passphrase, salt, kdf), nonce, { authTagLength: 16 })
  cipher.setAAD(identity.publicKey, { plaintextLength: identity.secretKey.length })
  const sealedKey = Buffer.concat([cipher.update(identity.secretKey), cipher.final(), cipher.getAuthTag()])
  const sealed: SealedIdentity = {
    myrmex_identity: 1,
    kdf,
    cipher: 'chacha20-poly1305',
    nonce: toHex(nonce),
    public_key: toHex(identity.publicKey),
    secret_key: toHex(sealedKey),
  }
  return JSON.stringify(sealed, undefined, 2)
}

function stretch(passphrase: string, salt: Uint8Array, kdf: { n: number; r: number; p: number }): Promise<Buffer> {
  const options = { N: kdf.n, r: kdf.r, p: kdf.p, maxmem: 2 * MAX_SCRYPT_MEMORY }
  return new Promise((resolve, reject) => {
    scrypt(passphrase.normalize('NFC'), salt, 32, options, (error, key) => (error ? reject(error) : resolve(key)))
  })
}

function byteArray(value: unknown): Bytes | undefined {
  const isByte = (item: unknown) => Number.isInteger(item) && (item as number) >= 0 && (item as number) <= 255
  return Array.isArray(value) && value.every(isByte) ? Uint8Array.from(value as number[]) : undefined
}
