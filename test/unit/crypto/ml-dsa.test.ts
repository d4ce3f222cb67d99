import assert from 'node:assert/strict'
import { test } from 'node:test'
import { equal, systemClock, utf8 } from '../../../src/base/index.ts'
import { type Compute, createPiscinaCompute, type RunOptions, type Task } from '../../../src/compute/index.ts'
import {
  backend,
  contentHash,
  loadBackend,
  mlDsaSigner,
  mlDsaTask,
  mlDsaVerifier,
  OFFLOAD_BYTES,
} from '../../../src/crypto/index.ts'
import { run } from '../../../src/crypto/ml-dsa.task.ts'
import type { MlDsaTaskInput } from '../../../src/crypto/ml-dsa-run.ts'

const kernels = backend()
/** A backend without threads of its own, which needs the pool. */
const threadless = loadBackend('wasm')
const seed = new Uint8Array(32).fill(9)
const message = utf8('message')
const context = utf8('context')

/** A pool that runs the task here and remembers what came. */
class RecordingCompute implements Compute {
  readonly width = 1
  readonly inputs: MlDsaTaskInput[] = []
  readonly lanes: string[] = []
  fail = false

  async run<Input, Output>(task: Task<Input, Output>, input: Input, options: RunOptions): Promise<Output> {
    assert.equal(task.url.href, mlDsaTask.url.href)
    this.inputs.push(structuredClone(input) as MlDsaTaskInput)
    this.lanes.push(options.lane)
    if (this.fail) throw new Error('stopped')
    return run(input as MlDsaTaskInput) as Output
  }
  async stop(): Promise<void> {}
}

test('a signer from a seed, a key pair or a secret key signs as the same identity', async () => {
  const pair = kernels.mlDsaKeyPair(seed)
  const verifier = mlDsaVerifier(kernels)
  for (const key of [{ seed }, pair, pair.secretKey]) {
    const signer = mlDsaSigner(key, kernels)
    assert.ok(equal(signer.publicKey, pair.publicKey))
    for (const used of [undefined, context]) {
      const signature = await signer.sign(message, used)
      assert.equal(await verifier.verify(pair.publicKey, message, signature, used), true)
      assert.equal(await verifier.verify(pair.publicKey, message, signature, utf8('another')), false)
    }
  }
})

test('the signer keeps its own copy of the key', async () => {
  const pair = loadBackend('js').mlDsaKeyPair(seed)
  const signer = mlDsaSigner(pair, kernels)
  pair.secretKey.fill(0)
  const signature = await signer.sign(message)
  assert.equal(kernels.mlDsaVerify(pair.publicKey, message, signature), true)
})

test('only large messages leave the thread, on the interactive lane', async () => {
  const compute = new RecordingCompute()
  const offload = { compute, signal: new AbortController().signal, offloadBytes: 1000 }
  const signer = mlDsaSigner({ seed }, threadless, offload)
  const verifier = mlDsaVerifier(threadless, offload)
  for (const length of [0, 999, 1000, 5000]) {
    const text = new Uint8Array(length).fill(3)
    const signature = await signer.sign(text, context)
    assert.equal(await verifier.verify(signer.publicKey, text, signature, context), true)
    assert.equal(await verifier.verify(signer.publicKey, text, signature), false)
  }
  const sent = compute.inputs.map((input) => `${input.kind} ${input.message.length}`)
  const one = (length: number) => [`sign ${length}`, `verify ${length}`, `verify ${length}`]
  assert.deepEqual(sent, [...one(1000), ...one(5000)])
  assert.ok(compute.lanes.every((lane) => lane === 'interactive'))
})

test('a verifier never throws: bad types, lengths and an aborted signal are false; a busy pool changes nothing', async () => {
  const compute = new RecordingCompute()
  compute.fail = true
  const stop = new AbortController()
  const offload = { compute, signal: stop.signal, offloadBytes: 10 }
  const verifier = mlDsaVerifier(threadless, offload)
  const { publicKey, secretKey } = kernels.mlDsaKeyPair(seed)
  const signature = kernels.mlDsaSign(secretKey, message)
  const moved = new Uint8Array(3309)
  structuredClone(moved.buffer, { transfer: [moved.buffer] })
  assert.equal(await verifier.verify(publicKey, message, signature), true)
  assert.equal(await verifier.verify(publicKey, message, moved), false)
  assert.equal(await verifier.verify(publicKey, message, 'x' as never), false)
  assert.equal(await verifier.verify(publicKey, undefined as never, signature), false)
  assert.equal(await verifier.verify(new Uint8Array(5), message, signature), false)
  assert.equal(await verifier.verify(publicKey, message, signature, new Uint8Array(256)), false)
  const large = new Uint8Array(2000)
  assert.equal(await verifier.verify(publicKey, large, signature), false)
  const signer = mlDsaSigner({ seed }, threadless, offload)
  const made = await signer.sign(large)
  assert.equal(await verifier.verify(publicKey, large, made), true)
  stop.abort()
  assert.equal(await verifier.verify(publicKey, large, made), false)
  await assert.rejects(signer.sign(large))
})

test('a large message is signed and verified in a real pool, and a backend lives in each thread', async () => {
  const pool = createPiscinaCompute({ clock: systemClock }, { threads: 2 })
  try {
    const offload = { compute: pool, signal: new AbortController().signal }
    const signer = mlDsaSigner({ seed }, threadless, offload)
    const verifier = mlDsaVerifier(threadless, offload)
    const large = new Uint8Array(OFFLOAD_BYTES).fill(8)
    const signatures = await Promise.all([1, 2, 3].map(() => signer.sign(large, context)))
    for (const signature of signatures) {
      assert.equal(kernels.mlDsaVerify(signer.publicKey, large, signature, context), true)
      assert.equal(await verifier.verify(signer.publicKey, large, signature, context), true)
      assert.equal(await verifier.verify(signer.publicKey, large, signature), false)
    }
    assert.equal(large[0], 8, 'the message stays with its owner')
  } finally {
    await pool.stop()
  }
})

test('large messages and contents leave the thread of a native backend, with the same results', async (t) => {
  const { offThread } = kernels
  if (offThread === undefined) return t.skip(`the ${kernels.name} backend has no threads of its own`)
  const signer = mlDsaSigner({ seed }, kernels)
  const verifier = mlDsaVerifier(kernels)
  const hash = contentHash(kernels)
  const judge = loadBackend('js')
  for (const length of [0, 1000, OFFLOAD_BYTES - 1, OFFLOAD_BYTES, 4 * OFFLOAD_BYTES + 1]) {
    const bytes = new Uint8Array(length).fill(length)
    const hashed = hash(bytes)
    assert.equal(hashed instanceof Promise, length >= OFFLOAD_BYTES)
    assert.deepEqual(await hashed, judge.blake3(bytes))
    const signature = await signer.sign(bytes, context)
    assert.equal(threadless.mlDsaVerify(signer.publicKey, bytes, signature, context), true)
    assert.equal(await verifier.verify(signer.publicKey, bytes, signature, context), true)
    assert.equal(await verifier.verify(signer.publicKey, bytes, signature), false)
    signature[5] = (signature[5] as number) ^ 1
    assert.equal(await verifier.verify(signer.publicKey, bytes, signature, context), false)
    assert.equal(await offThread.mlDsaVerify(new Uint8Array(3), bytes, signature), false)
  }
  const shared = new Uint8Array(new SharedArrayBuffer(8))
  await assert.rejects(offThread.blake3(shared), { code: 'CRYPTO_ARGUMENT' })
  await assert.rejects(offThread.mlDsaSign(new Uint8Array(4032).fill(255), message), { code: 'CRYPTO_ARGUMENT' })
  await assert.rejects(offThread.mlDsaSign(kernels.mlDsaKeyPair(seed).secretKey, message, new Uint8Array(256)), {
    code: 'CRYPTO_ARGUMENT',
  })
})
