import assert from 'node:assert/strict'
import { chmod, readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { fromHex, toHex } from '../../../src/base/index.ts'
import { backend } from '../../../src/crypto/index.ts'
import { NodeError } from '../../../src/node/errors.ts'
import { IDENTITY_FILE, loadOrCreateIdentity } from '../../../src/node/identity-file.ts'
import { tempFolder } from '../../support/temp.ts'

const failsWith = (code: string, pattern: RegExp) => (error: unknown) =>
  error instanceof NodeError && error.code === code && pattern.test(error.message)

test('an identity is made once, mode 0600, and read again', async () => {
  await using folder = await tempFolder()
  const first = await loadOrCreateIdentity(folder.path)
  assert.equal(first.created, true)
  const path = join(folder.path, IDENTITY_FILE)
  assert.equal((await stat(path)).mode & 0o777, 0o600)
  assert.deepEqual(await readdir(folder.path), [IDENTITY_FILE])
  const second = await loadOrCreateIdentity(folder.path)
  assert.equal(second.created, false)
  assert.equal(second.peerId, first.peerId)
  const message = new Uint8Array([1, 2, 3])
  assert.ok(backend().mlDsaVerify(first.publicKey, message, await second.signer.sign(message)))
})

test('a stock identity is taken over', async () => {
  await using folder = await tempFolder()
  const vectors = JSON.parse(await readFile(join(import.meta.dirname, '../../vectors/ml-dsa.json'), 'utf8')) as {
    keys: { seed: string; peer_id?: string }[]
  }
  const seed = fromHex(vectors.keys[0]?.seed as string) as Uint8Array
  const { publicKey, secretKey } = backend().mlDsaKeyPair(seed)
  const stock = JSON.stringify({ secret_key: [...secretKey], public_key: [...publicKey] }, undefined, 2)
  await writeFile(join(folder.path, IDENTITY_FILE), stock, { mode: 0o600 })
  const identity = await loadOrCreateIdentity(folder.path)
  assert.equal(identity.peerId, toHex(backend().blake3(publicKey)))
  assert.equal(await readFile(join(folder.path, IDENTITY_FILE), 'utf8'), stock)
})

test('a file that others can read is refused with the command that mends it', {
  skip: process.platform === 'win32',
}, async () => {
  await using folder = await tempFolder()
  await loadOrCreateIdentity(folder.path)
  await chmod(join(folder.path, IDENTITY_FILE), 0o644)
  await assert.rejects(
    loadOrCreateIdentity(folder.path),
    failsWith('NODE_IDENTITY_READABLE', /chmod 600 '.*node_identity\.key'/),
  )
})

test('with a passphrase the secret is sealed; a wrong or missing one is refused', async () => {
  await using folder = await tempFolder()
  const first = await loadOrCreateIdentity(folder.path, 'correct horse')
  const text = await readFile(join(folder.path, IDENTITY_FILE), 'utf8')
  assert.ok(!text.includes(toHex(first.secretKey).slice(64, 128)))
  assert.equal((await loadOrCreateIdentity(folder.path, 'correct horse')).peerId, first.peerId)
  await assert.rejects(
    loadOrCreateIdentity(folder.path, 'wrong'),
    failsWith('NODE_IDENTITY_PASSPHRASE', /does not open/),
  )
  await assert.rejects(loadOrCreateIdentity(folder.path), failsWith('NODE_IDENTITY_PASSPHRASE', /MYRMEX_PASSPHRASE/))
})

test('damaged files are named, nothing is overwritten', async () => {
  await using folder = await tempFolder()
  const path = join(folder.path, IDENTITY_FILE)
  const { publicKey, secretKey } = backend().mlDsaKeyPair(new Uint8Array(32).fill(1))
  const other = backend().mlDsaKeyPair(new Uint8Array(32).fill(2))
  const json = (secret: ArrayLike<number>, key: ArrayLike<number>) =>
    JSON.stringify({ secret_key: Array.from(secret), public_key: Array.from(key) })
  const cases: [string, RegExp][] = [
    ['{', /is not JSON/],
    ['{}', /byte arrays/],
    ['null', /byte arrays/],
    [JSON.stringify({ secret_key: [256], public_key: [1] }), /byte arrays/],
    [json(secretKey.slice(1), publicKey), /4031 bytes, not 4032/],
    [json(secretKey, publicKey.slice(1)), /1951 bytes, not 1952/],
    [json(secretKey, other.publicKey), /does not belong/],
    [
      JSON.stringify({
        myrmex_identity: 1,
        kdf: { n: 2 ** 40, r: 8, p: 1, salt: '00' },
        cipher: 'chacha20-poly1305',
        nonce: '00'.repeat(12),
        public_key: '00',
        secret_key: '00'.repeat(20),
      }),
      /make no sense/,
    ],
  ]
  for (const [text, pattern] of cases) {
    await writeFile(path, text, { mode: 0o600 })
    await assert.rejects(
      loadOrCreateIdentity(folder.path, text.includes('myrmex') ? 'x' : undefined),
      failsWith('NODE_IDENTITY_CORRUPT', pattern),
    )
    assert.equal(await readFile(path, 'utf8'), text)
  }
})
