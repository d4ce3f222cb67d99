/** Kernels on one thread: native against Rust, OpenSSL and @noble; wasm against what npm has. */
import { generateKeyPairSync, sign, verify } from 'node:crypto'
import { createRequire } from 'node:module'
import { blake3 } from '@noble/hashes/blake3.js'
import { ml_dsa65 } from '@noble/post-quantum/ml-dsa.js'
import blake3Wasm from 'blake3-wasm'
import { type Backend, type BackendName, loadBackend } from '../../../src/crypto/index.ts'
import { REFERENCE } from '../baselines.ts'
import { type Context, type Group, NotMeasured, takeTurns } from '../context.ts'
import { median } from '../goal.ts'
import { bytesOf, KINDS, type Kind } from '../inputs.ts'
import { callNs, megabytesPerSecond, perSecond } from '../timing.ts'

const LARGE = 4 * 1024 * 1024
/** Plain bytes of a full chunk. */
const CHUNK = 4_190_208
const MESSAGE = 104
/** Brotli at its default quality takes seconds for a chunk: a part of it shows the rate. */
const DEFAULT_QUALITY_BYTES = 256 * 1024
/** One line of Rust and one of ours in 32 B hashes are far below a microsecond. */
const BATCH = 2000

export const kernels: Group = {
  ids: [
    ...['blake3-4mib', 'blake3-32b', 'mldsa-sign', 'mldsa-verify', 'wasm-blake3'],
    ...['wasm-seal-random', 'wasm-seal-text', 'wasm-mldsa-sign', 'wasm-mldsa-verify'],
  ],
  async run(context) {
    const steps: [id: string, run: (context: Context) => Promise<void>][] = [
      ['blake3-4mib', blake3Large],
      ['blake3-32b', blake3Small],
      ['mldsa-sign', (c) => mlDsa(c, 'native')],
      ['wasm-blake3', wasmBlake3],
      ['wasm-seal', wasmSeal],
      ['wasm-mldsa-sign', (c) => mlDsa(c, 'wasm')],
    ]
    for (const [id, run] of steps) {
      const wanted = this.ids.filter((row) => row.startsWith(id.replace(/-sign$/, '')))
      if (!context.wants(...wanted)) continue
      try {
        await run(context)
      } catch (error) {
        if (!(error instanceof NotMeasured)) throw error
        for (const row of wanted) context.notMeasured(row, error.message)
      }
    }
  },
}

function load(name: BackendName): Backend {
  try {
    return loadBackend(name)
  } catch {
    throw new NotMeasured(`the ${name} backend is not there`)
  }
}

function loadIfThere(name: BackendName): Backend | undefined {
  try {
    return load(name)
  } catch {
    return undefined
  }
}

/** Ratio of speeds from nanoseconds: theirs over ours. */
async function speeds(
  context: Context,
  id: string,
  ours: () => number | Promise<number>,
  theirs: () => number | Promise<number>,
  figure: (ns: number) => number,
  unit: string,
  note?: string,
  more: Readonly<Record<string, number>> = {},
): Promise<void> {
  const turns = await takeTurns(context.pick(7, 3), context.signal, ours, theirs)
  context.measured(id, {
    samples: turns.ratios.map((ratio) => 1 / ratio),
    details: {
      ours: figure(median(turns.ours)),
      yardstick: figure(median(turns.theirs)),
      figures_in: unit,
      ...more,
    },
    ...(note === undefined ? {} : { note }),
  })
}

const ms = (context: Context) => context.pick(400, 120)

async function blake3Large(context: Context): Promise<void> {
  const native = load('native')
  const rust = await context.rust('kernel')
  const data = bytesOf('random', LARGE)
  const out = new Uint8Array(32)
  await speeds(
    context,
    'blake3-4mib',
    () => callNs(ms(context), () => native.blake3Into(data, out)),
    () => rust.figure('ns', 'blake3', LARGE, ms(context)),
    (ns) => megabytesPerSecond(LARGE, ns),
    'MB/s',
  )
  rust.stop()
}

async function blake3Small(context: Context): Promise<void> {
  const native = load('native')
  const data = bytesOf('random', 32)
  const out = new Uint8Array(32)
  await speeds(
    context,
    'blake3-32b',
    () => callNs(ms(context), () => native.blake3Into(data, out), BATCH),
    () => callNs(ms(context), () => blake3(data), BATCH),
    perSecond,
    '/s',
  )
}

async function wasmBlake3(context: Context): Promise<void> {
  const wasm = load('wasm')
  const data = bytesOf('random', LARGE)
  const buffer = Buffer.from(data)
  const out = new Uint8Array(32)
  await speeds(
    context,
    'wasm-blake3',
    () => callNs(ms(context), () => wasm.blake3Into(data, out)),
    () => callNs(ms(context), () => blake3Wasm.hash(buffer)),
    (ns) => megabytesPerSecond(LARGE, ns),
    'MB/s',
  )
}

async function wasmSeal(context: Context): Promise<void> {
  const [wasm, js, native] = [load('wasm'), load('js'), loadIfThere('native')]
  const rate = (bytes: number, call: () => unknown) => megabytesPerSecond(bytes, callNs(ms(context), call))
  const { compress } = createRequire(import.meta.url)('brotli-wasm') as {
    compress(data: Uint8Array, options?: { quality: number }): Uint8Array
  }
  for (const kind of KINDS) {
    const id = `wasm-seal-${kind satisfies Kind}`
    if (!context.wants(id)) continue
    const plain = bytesOf(kind, CHUNK)
    const part = plain.slice(0, DEFAULT_QUALITY_BYTES)
    const hash = new Uint8Array(32).fill(1)
    const keys = { source: wasm.blake3(plain), neighbour1: hash, neighbour2: hash, index: 0, level: 0 }
    await speeds(
      context,
      id,
      () => callNs(ms(context), () => wasm.sealChunk(plain, keys)),
      () => callNs(ms(context), () => compress(plain, { quality: 6 })),
      (ns) => megabytesPerSecond(CHUNK, ns),
      'MB/s',
      'ours compresses, encrypts, pads and hashes; the yardstick only compresses (details: the whole seal in plain JS around it, the native seal, the yardstick at its default quality)',
      {
        plain_js_seal: rate(CHUNK, () => js.sealChunk(plain, keys)),
        ...(native && { native_seal: rate(CHUNK, () => native.sealChunk(plain, keys)) }),
        yardstick_default_quality: rate(part.length, () => compress(part)),
      },
    )
  }
}

/** Native against OpenSSL, wasm against @noble. Every signature is checked by the other side first. */
async function mlDsa(context: Context, name: 'native' | 'wasm'): Promise<void> {
  const backend = load(name)
  const prefix = name === 'native' ? 'mldsa' : 'wasm-mldsa'
  const message = bytesOf('random', MESSAGE)
  const pair = backend.mlDsaKeyPair(new Uint8Array(32).fill(7))
  const signature = backend.mlDsaSign(pair.secretKey, message)
  if (!ml_dsa65.verify(signature, message, pair.publicKey)) throw new Error('a signature of ours is not valid')
  const openssl = name === 'native' ? opensslSide(message) : undefined
  const theirs = openssl ?? {
    sign: () => ml_dsa65.sign(message, pair.secretKey),
    verify: () => ml_dsa65.verify(signature, message, pair.publicKey),
  }
  const recorded = (figure: number) =>
    name === 'native' ? `the reference itself: ${figure} per s, one of each for every message` : undefined
  if (context.wants(`${prefix}-sign`))
    await speeds(
      context,
      `${prefix}-sign`,
      () => callNs(ms(context), () => backend.mlDsaSign(pair.secretKey, message)),
      () => callNs(ms(context), theirs.sign),
      perSecond,
      '/s',
      recorded(REFERENCE.mlDsa.sign),
    )
  if (context.wants(`${prefix}-verify`))
    await speeds(
      context,
      `${prefix}-verify`,
      () => callNs(ms(context), () => backend.mlDsaVerify(pair.publicKey, message, signature)),
      () => callNs(ms(context), theirs.verify),
      perSecond,
      '/s',
      recorded(REFERENCE.mlDsa.verify),
    )
}

function opensslSide(message: Uint8Array): { sign(): unknown; verify(): unknown } {
  const { privateKey, publicKey } = opensslKeys()
  const signature = sign(null, message, privateKey)
  return {
    sign: () => sign(null, message, privateKey),
    verify: () => verify(null, message, publicKey, signature),
  }
}

function opensslKeys() {
  try {
    return generateKeyPairSync('ml-dsa-65')
  } catch {
    throw new NotMeasured('this node:crypto has no ML-DSA')
  }
}
