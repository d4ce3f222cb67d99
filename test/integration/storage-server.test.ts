/** The chunk server over chunks on a real disk. */
import assert from 'node:assert/strict'
import { mkdir, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { blake3 } from '@noble/hashes/blake3.js'
import { concat, never, seededRandom, systemClock } from '../../src/base/index.ts'
import { createChunkServer } from '../../src/chunk-server/index.ts'
import { backend, mlDsaSigner, mlDsaVerifier } from '../../src/crypto/index.ts'
import type { MessageHandler } from '../../src/network/index.ts'
import { createFreeVerifier, createLocalPayer, createQuoter } from '../../src/payment/index.ts'
import {
  type ChunkBody,
  chunkAddressOf,
  decodeChunkMessage,
  encodeChunkMessage,
  peerIdOf,
} from '../../src/protocol/index.ts'
import { createFileChunkStore, nodeFileSystem } from '../../src/storage/index.ts'
import { tempFolder } from '../support/temp.ts'

const client = peerIdOf(new Uint8Array(32).fill(1))

/** A server on a folder whose free space is what `disk.free` says; `ask` is one request and its answer. */
async function serve(folder: string) {
  const disk = { free: 1e12 }
  const fileSystem = Object.assign(Object.create(nodeFileSystem), { freeBytes: async () => disk.free })
  const clock = systemClock
  const signer = mlDsaSigner({ seed: new Uint8Array(32) }, backend())
  const store = createFileChunkStore(folder, { clock, random: seededRandom(1), fileSystem })
  let receive: MessageHandler = () => undefined
  let answered: (body: ChunkBody) => void = () => undefined
  let verified = 0
  const free = createFreeVerifier(mlDsaVerifier(backend()))
  const server = createChunkServer({
    network: {
      handle: (_topic, _limits, handler) => {
        receive = handler
        return () => undefined
      },
      send: async (_peer, _topic, data) => answered(decodeChunkMessage(concat([data].flat())).body),
    },
    dht: { isResponsible: () => true },
    store,
    payment: {
      verifyPayment: (...all) => {
        verified++
        return free.verifyPayment(...all)
      },
    },
    quoter: createQuoter({ signer, clock }),
    clock,
  })
  await store.start(never)
  await server.start(never)
  const ask = (body: ChunkBody) =>
    new Promise<ChunkBody>((resolve) => {
      answered = resolve
      void receive(encodeChunkMessage({ requestId: 1n, body }), { from: { peer: client } as never, signal: never })
    })
  return {
    ...{ disk, store, ask, payer: createLocalPayer(signer, clock), verified: () => verified },
    [Symbol.asyncDispose]: async () => {
      await server.stop()
      await store.stop()
    },
  }
}

function chunk(seed: number, length = 50_000) {
  const content = seededRandom(seed).bytes(length)
  return { address: chunkAddressOf(blake3(content)), content }
}

test('put with a local proof, get, again; damage is mended by a put without any payment', async () => {
  await using folder = await tempFolder()
  await using node = await serve(folder.path)
  const { address, content } = chunk(1)
  const putRequest = { kind: 'putRequest', address, content } as const
  const unpaid = await node.ask(putRequest)
  assert.equal(unpaid.kind === 'putResponse' && unpaid.result.kind, 'paymentRequired')
  const [paymentProof] = await node.payer.pay([{ address, size: content.length }], { signal: never })
  assert.ok(paymentProof)
  const success = { kind: 'putResponse', result: { kind: 'success', address } }
  assert.deepEqual(await node.ask({ ...putRequest, paymentProof }), success)
  const found = { kind: 'getResponse', result: { kind: 'success', address, content } }
  assert.deepEqual(await node.ask({ kind: 'getRequest', address }), found)

  await writeFile(join(folder.path, 'chunks', address.slice(-2), address), 'damage')
  const before = node.verified()
  const exists = { kind: 'putResponse', result: { kind: 'alreadyExists', address } }
  assert.deepEqual(await node.ask(putRequest), exists)
  assert.equal(node.verified(), before)
  assert.deepEqual(await node.ask({ kind: 'getRequest', address }), found)
})

test('a damaged chunk is an error once, then not found', async () => {
  await using folder = await tempFolder()
  await using node = await serve(folder.path)
  const { address, content } = chunk(2)
  await node.store.put(address, content)
  const shard = join(folder.path, 'chunks', address.slice(-2))
  await writeFile(join(shard, address), content.with(0, (content[0] as number) ^ 1))
  const error = { kind: 'storageFailed', message: 'the chunk cannot be read (STORAGE_CORRUPT)' }
  const request = { kind: 'getRequest', address } as const
  assert.deepEqual(await node.ask(request), { kind: 'getResponse', result: { kind: 'error', error } })
  assert.deepEqual(await readdir(shard), [])
  assert.deepEqual(await node.ask(request), { kind: 'getResponse', result: { kind: 'notFound', address } })
})

test('a full disk refuses before payment is looked at, reads go on, freed space is used at once', async () => {
  await using folder = await tempFolder()
  const [held, fresh] = [chunk(3), chunk(4)]
  const shard = join(folder.path, 'chunks', held.address.slice(-2))
  await mkdir(shard, { recursive: true })
  await writeFile(join(shard, held.address), held.content)
  await using node = await serve(folder.path)
  node.disk.free = 0
  const [paymentProof] = await node.payer.pay([{ address: fresh.address, size: 1 }], { signal: never })
  assert.ok(paymentProof)
  const request = { kind: 'putRequest', ...fresh, paymentProof } as const
  const message = 'Insufficient disk space: 50000 bytes do not fit'
  assert.deepEqual(await node.ask(request), {
    kind: 'putResponse',
    result: { kind: 'error', error: { kind: 'storageFailed', message } },
  })
  assert.equal(node.verified(), 0)
  const found = { kind: 'getResponse', result: { kind: 'success', ...held } }
  assert.deepEqual(await node.ask({ kind: 'getRequest', address: held.address }), found)
  node.disk.free = 1e12
  const success = { kind: 'putResponse', result: { kind: 'success', address: fresh.address } }
  assert.deepEqual(await node.ask(request), success)
})
