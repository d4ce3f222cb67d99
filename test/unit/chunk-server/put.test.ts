import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CodedError } from '../../../src/base/index.ts'
import { encodeSingleNodeProof } from '../../../src/payment/index.ts'
import { MAX_CHUNK_BYTES, type PutResult } from '../../../src/protocol/index.ts'
import type { ChunkStore } from '../../../src/storage/index.ts'
import { chunk, type Scene, scene } from './scene.ts'

const { address, content } = chunk(1)
const proof = new Uint8Array(40).fill(0xf0)
const refusal = (kind: string, message: RegExp) => ({ kind, message })

/** A store that says of itself what the test wants. */
function storeThat(changes: Partial<ChunkStore>): ChunkStore {
  return {
    repair: async () => 'absent',
    admits: async () => true,
    put: async () => 'stored',
    disk: 'full',
    ...changes,
  } as unknown as ChunkStore
}

async function put(s: Scene, request: { address: typeof address; content: Uint8Array; paymentProof?: Uint8Array }) {
  await s.start()
  const answer = await s.ask({ kind: 'putRequest', ...request })
  assert.equal(answer.kind, 'putResponse')
  return answer.result as PutResult
}

function assertError(result: PutResult, expected: { kind: string; message?: RegExp }): void {
  assert.equal(result.kind, 'error')
  if (result.kind !== 'error') return
  assert.equal(result.error.kind, expected.kind)
  if (expected.message) assert.match('message' in result.error ? result.error.message : '', expected.message)
}

const broken = () => Promise.reject(new CodedError('STORAGE_IO', 'EIO at /secret/path'))

/**
 * The steps in order. `fail` makes the step fail; the table below fails step k and every later one together, so the
 * answer tells that k came first.
 */
interface Faults {
  store: Partial<ChunkStore>
  pointer: boolean
  responsible: boolean
  paid: 'accepted' | 'refused' | 'required'
  content: Uint8Array
}
const STEPS: readonly { name: string; fail(faults: Faults): void; answer: (result: PutResult) => void }[] = [
  {
    name: '1 size',
    fail: (f) => (f.content = new Uint8Array(MAX_CHUNK_BYTES + 1)),
    answer: (result) =>
      assert.deepEqual(result, {
        kind: 'error',
        error: { kind: 'chunkTooLarge', size: MAX_CHUNK_BYTES + 1, maxSize: MAX_CHUNK_BYTES },
      }),
  },
  {
    name: '2 address',
    fail: (f) => {
      if (f.content === content) f.content = chunk(2).content
    },
    answer: (result) =>
      assert.deepEqual(result, {
        kind: 'error',
        error: { kind: 'addressMismatch', expected: address, actual: chunk(2).address },
      }),
  },
  {
    name: '3 pointer at the address',
    fail: (f) => (f.pointer = true),
    answer: (result) => assertError(result, refusal('storageFailed', /pointer/)),
  },
  {
    name: '4 stored already, unreadable',
    fail: (f) => (f.store.repair = broken),
    answer: (result) => assertError(result, refusal('internal', /cannot be read \(STORAGE_IO\)$/)),
  },
  {
    name: '5 capacity',
    fail: (f) => (f.store.admits = async () => false),
    answer: (result) => assertError(result, refusal('storageFailed', /^Insufficient disk space: /)),
  },
  {
    name: '6 responsibility',
    fail: (f) => (f.responsible = false),
    answer: (result) =>
      assertError(result, refusal('storageFailed', /^node is not within its local closest peers for this address$/)),
  },
  {
    name: '7 payment',
    fail: (f) => (f.paid = 'refused'),
    answer: (result) => assertError(result, refusal('paymentFailed', /^too little$/)),
  },
  {
    name: '8 store',
    fail: (f) => (f.store.put = broken),
    answer: (result) => assertError(result, refusal('storageFailed', /cannot be stored \(STORAGE_IO\)$/)),
  },
]
const PAYMENT = STEPS.findIndex(({ name }) => name === '7 payment')

for (const [k, { name, answer }] of STEPS.entries()) {
  test(`PUT fails at step ${name} although all later steps would fail too`, async () => {
    const faults: Faults = { store: {}, pointer: false, responsible: true, paid: 'accepted', content }
    for (const step of STEPS.slice(k)) step.fail(faults)
    const s = scene({
      store: storeThat({ ...faults.store, start: async () => undefined }),
      pointers: { has: () => faults.pointer },
    })
    s.state.responsible = faults.responsible
    if (faults.paid === 'refused') s.state.verdict = { kind: 'refused', message: 'too little' }
    answer(await put(s, { address, content: faults.content, paymentProof: proof }))
    assert.equal(s.asked.length, k < PAYMENT ? 0 : 1, 'payment is looked at only when its turn came')
    assert.deepEqual(s.fresh, [])
  })
}

test('replication gets the proof without the sidecars of the quotes', async () => {
  const s = scene()
  const none = { quotes: [], transactionHashes: [new Uint8Array(32)] }
  const paymentProof = encodeSingleNodeProof({ ...none, sidecars: [new Uint8Array(500)] })
  await put(s, { address, content, paymentProof })
  assert.deepEqual(s.fresh, [{ address, proof: encodeSingleNodeProof({ ...none, sidecars: [] }).slice() }])
})

test('a paid chunk is stored, answered, and handed to replication with its proof', async () => {
  const s = scene()
  assert.deepEqual(await put(s, { address, content, paymentProof: proof }), { kind: 'success', address })
  assert.deepEqual(await s.store.get(address), content)
  assert.deepEqual(s.asked, [{ proof, context: 'clientPut' }])
  assert.equal(s.state.width, 20)
  assert.deepEqual(s.fresh, [{ address, proof }])
})

test('empty content is a chunk like any other', async () => {
  const empty = chunk(3, 0)
  assert.deepEqual(await put(scene(), { ...empty, paymentProof: proof }), { kind: 'success', address: empty.address })
})

test('a chunk of exactly 4 MiB passes', async () => {
  const full = chunk(4, MAX_CHUNK_BYTES)
  assert.deepEqual(await put(scene(), { ...full, paymentProof: proof }), { kind: 'success', address: full.address })
})

test('no proof: payment is required, nothing is stored', async () => {
  const s = scene()
  s.state.verdict = { kind: 'required', message: 'Payment required for new data x' }
  const required = { kind: 'paymentRequired', message: 'Payment required for new data x' }
  assert.deepEqual(await put(s, { address, content }), required)
  assert.deepEqual(s.asked, [{ proof: undefined, context: 'clientPut' }])
  assert.equal(s.store.has(address), false)
})

test('paid from the cache without a proof: stored, not fanned out', async () => {
  const s = scene()
  assert.deepEqual(await put(s, { address, content }), { kind: 'success', address })
  assert.deepEqual(s.fresh, [])
})

test('a held chunk is answered before room, distance and payment are looked at', async () => {
  const s = scene()
  await s.start()
  await s.store.put(address, content)
  s.state.responsible = false
  s.state.verdict = { kind: 'refused', message: 'no' }
  assert.deepEqual(await put(s, { address, content }), { kind: 'alreadyExists', address })
  assert.equal(s.asked.length, 0)
})

test('a damaged chunk is mended by the put and answered AlreadyExists, unpaid', async () => {
  const mended: Uint8Array[] = []
  const store = storeThat({
    start: async () => undefined,
    repair: async (_, given) => {
      mended.push(given instanceof Uint8Array ? given : given.bytes)
      return 'repaired'
    },
  })
  const s = scene({ store })
  assert.deepEqual(await put(s, { address, content }), { kind: 'alreadyExists', address })
  assert.deepEqual(mended, [content])
  assert.equal(s.asked.length, 0)
})

test('a disk that fills up between check and write is named as full, and so is one that is full for a repair', async () => {
  const full = () => Promise.reject(new CodedError('STORAGE_FULL', 'Insufficient disk space: 3 bytes free'))
  const late = scene({ store: storeThat({ put: full }) })
  assertError(await put(late, { address, content }), refusal('storageFailed', /^Insufficient disk space: 3/))
  const mending = scene({ store: storeThat({ repair: full }) })
  assertError(await put(mending, { address, content }), refusal('storageFailed', /^Insufficient disk space: 3/))
})

test('a payment check that breaks is a failed payment', async () => {
  const verifyPayment = () => Promise.reject(new Error('chain is away'))
  const s = scene({ payment: { verifyPayment } })
  assertError(await put(s, { address, content, paymentProof: proof }), refusal('paymentFailed', /chain is away/))
})

test('twins of one put: both succeed, one fan-out', async () => {
  const s = scene({ store: storeThat({ put: async () => 'duplicate' }) })
  assert.deepEqual(await put(s, { address, content, paymentProof: proof }), { kind: 'success', address })
  assert.deepEqual(s.fresh, [])
})

test('what a peer is told of our disk names no path', async () => {
  const s = scene({ store: storeThat({ repair: broken }) })
  const result = await put(s, { address, content })
  assert.doesNotMatch(JSON.stringify(result), /secret/)
})

test('a disk that is not writable is named by its state, never by its path, before payment is looked at', async () => {
  for (const disk of ['readOnly', 'failing', 'gone'] as const) {
    const s = scene({ store: storeThat({ admits: async () => false, disk, start: async () => undefined }) })
    const result = await put(s, { address, content, paymentProof: proof })
    assertError(result, refusal('storageFailed', new RegExp(`^the node takes no chunks now.*\\(${disk}\\)$`)))
    assert.equal(s.asked.length, 0)
  }
})
