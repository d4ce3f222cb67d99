/** What a world keeps once: content of files, and what was said of a message under its signature. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { seededRandom, utf8 } from '../../../src/base/index.ts'
import { backend } from '../../../src/crypto/index.ts'
import {
  decodeWireMessage,
  encodeWireMessage,
  peerIdOfPublicKey,
  verifyWireMessage,
} from '../../../src/protocol/index.ts'
import { SharedContent, SimDisk, SimSignatures, SimWorld } from '../../../src/sim/index.ts'
import { SimMemory } from '../../../src/sim/sim-buffer.ts'

const memory = new SimMemory()
const allocate = (bytes: number) => memory.allocate(bytes)

test('a message that travels in its own memory verifies, and only by its own key', async () => {
  const signatures = new SimSignatures(backend(), seededRandom(1))
  const [signer, other] = [signatures.createSigner(seededRandom(2)), signatures.createSigner(seededRandom(3))]
  const from = peerIdOfPublicKey(signer.publicKey)
  const fields = { topic: 't/1', data: utf8('data'), from, timestamp: 1, userAgent: 'node/test' }
  const bytes = await encodeWireMessage(fields, signer, allocate)
  const known = { peer: from, publicKey: signer.publicKey }
  const verdict = async (message: Uint8Array, of = known) =>
    (await verifyWireMessage(decodeWireMessage(message), signatures, of)).kind
  assert.equal(await verdict(bytes), 'ok')
  assert.equal(await verdict(bytes.slice()), 'ok', 'a copy as well')
  assert.equal(await verdict(bytes, { peer: from, publicKey: other.publicKey }), 'ok', 'a wrong hint costs a hash')
  for (const at of [1, 5, bytes.length - 3309, bytes.length - 1]) {
    const changed = bytes.slice()
    changed[at] = (changed[at] as number) ^ 1
    assert.notEqual(await verdict(changed), 'ok', `byte ${at}`)
  }
  const foreign = await encodeWireMessage(fields, other, allocate)
  assert.equal(await verdict(foreign), 'mismatch')
  const { publicKey, signature, signedBytes } = decodeWireMessage(bytes)
  assert.equal(await signatures.verify(publicKey, signedBytes.subarray(1), signature), false)
  assert.equal(await signatures.verify(other.publicKey, signedBytes, signature), false)
  assert.equal(await signatures.verify(publicKey, signedBytes, signature, utf8('context')), false)
  const damaged = signature.slice()
  damaged[0] = (damaged[0] as number) ^ 1
  assert.equal(await signatures.verify(publicKey, signedBytes, damaged), false)
})

test('equal files of two disks lie in one memory, and rot of one is not that of the other', async () => {
  const world = new SimWorld({ seed: 5, hash: backend() })
  const disks = [1, 2].map(() => new SimDisk({ contents: world.contents }))
  const content = world.random('content').bytes(4000)
  for (const disk of disks) {
    await disk.makeDirectory('/a')
    const file = await disk.create('/a/file')
    await file.write(content)
    await file.sync()
    await file.close()
  }
  const read = (disk: SimDisk | undefined) => disk?.files().get('/a/file') as Uint8Array
  assert.deepEqual(read(disks[0]), content)
  assert.equal(read(disks[0]), read(disks[1]))
  const outcome = await disks[0]?.read('/a/file', 4000)
  assert.ok(outcome?.kind === 'found')
  outcome.bytes.fill(0)
  disks[1]?.rot('/a/file', world.random('rot'))
  assert.deepEqual(read(disks[0]), content, 'neither a reader nor the other disk changes it')
  assert.notDeepEqual(read(disks[1]), content)
})

test('content is found again by its bytes; small content is not kept', () => {
  const contents = new SharedContent()
  const bytes = seededRandom(7).bytes(1000)
  assert.equal(contents.of(bytes), bytes)
  assert.equal(contents.of(bytes.slice()), bytes)
  const other = bytes.slice()
  other[999] = (other[999] as number) ^ 1
  assert.equal(contents.of(other), other)
  const small = new Uint8Array(100)
  assert.equal(contents.of(small), small)
  assert.notEqual(contents.of(small.slice()), small)
  assert.equal(contents.size, 2)
  const alike = bytes.slice()
  alike[1] = (alike[1] as number) ^ 1
  assert.equal(contents.of(alike), alike, 'found under the same name, and not the same')
})
