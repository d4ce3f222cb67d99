/** What is measured without a network: self-encryption through the pool, signatures, the disk. */
import { mkdtemp, open, rename, rm, statfs } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { systemClock, systemRandom } from '../../base/index.ts'
import { createPiscinaCompute } from '../../compute/index.ts'
import { backend, mlDsaVerifier } from '../../crypto/index.ts'
import { generateIdentity, type Tuning } from '../../node/index.ts'
import { decryptStream, type EncryptResult, encryptStream, sourceFromBytes } from '../../self-encryption/index.ts'
import { type Figure, figureOf } from './judge.ts'

export interface Round {
  readonly signal: AbortSignal
  /** Whole time of this measurement. */
  readonly ms: number
  onRound(done: number, total: number): void
}

const ROUNDS = 5
const CHUNK_BYTES = 4 * 1024 * 1024

/** Random bytes there and back, chunks kept in memory: what the processor can do, whatever the disk does. */
export async function measureFiles(
  round: Round,
  tuning: Tuning,
  sizeBytes: number,
): Promise<{ readonly encrypt: Figure; readonly decrypt: Figure }> {
  const { signal } = round
  const compute = createPiscinaCompute({ clock: systemClock }, tuning.compute)
  const plain = systemRandom.bytes(sizeBytes)
  const [up, down]: [number[], number[]] = [[], []]
  const deadline = systemClock.monotonic() + round.ms
  try {
    // The first round starts threads and warms their kernels; it does not count.
    for (let done = 0; done <= ROUNDS && (done < 2 || systemClock.monotonic() < deadline); done++) {
      const chunks = new Map<string, Uint8Array>()
      let map: EncryptResult | undefined
      const encryptMs = await timed(async () => {
        const onChunk = async ({ address, content }: { address: string; content: Uint8Array }) =>
          void chunks.set(address, content)
        map = await encryptStream(sourceFromBytes(plain), { compute, signal, onChunk })
      })
      const fetchChunk = async (address: string) => (chunks.get(address) as Uint8Array).slice()
      let bytes = 0
      const decryptMs = await timed(async () => {
        const options = { compute, signal, fetchChunk, batch: 2 + compute.width, reclaim: true }
        for await (const part of decryptStream((map as EncryptResult).dataMap, options)) bytes += part.length
      })
      if (bytes !== sizeBytes) throw new Error(`decrypting gave ${bytes} of ${sizeBytes} bytes`)
      if (done > 0) up.push(sizeBytes / 1000 / encryptMs)
      if (done > 0) down.push(sizeBytes / 1000 / decryptMs)
      round.onRound(done, ROUNDS)
    }
  } finally {
    await compute.stop()
  }
  return { encrypt: figureOf(up), decrypt: figureOf(down) }
}

/** Of a message as small as those of a lookup, on this thread. */
export async function measureSignatures(round: Round): Promise<{ readonly sign: Figure; readonly verify: Figure }> {
  const { signer } = generateIdentity()
  const verifier = mlDsaVerifier(backend())
  const message = systemRandom.bytes(200)
  const signature = await signer.sign(message)
  const [sign, verify]: [number[], number[]] = [[], []]
  for (let done = 0; done < ROUNDS; done++) {
    const ms = round.ms / ROUNDS / 2
    sign.push(await perSecond(ms, round.signal, () => signer.sign(message)))
    verify.push(await perSecond(ms, round.signal, () => verifier.verify(signer.publicKey, message, signature)))
    round.onRound(done + 1, ROUNDS)
  }
  return { sign: figureOf(sign), verify: figureOf(verify) }
}

/**
 * Chunks as a node keeps them: a temporary file, synced, renamed, the folder synced; four at a time. In a folder of
 * its own on the disk of the node, removed at the end.
 */
export async function measureDisk(round: Round, folder: string): Promise<{ diskSync: Figure; folder: string }> {
  const { path, disk } = await ownFolder(folder)
  const samples: number[] = []
  try {
    const chunk = systemRandom.bytes(CHUNK_BYTES)
    for (let done = 0; done < ROUNDS; done++) {
      let written = 0
      const began = systemClock.monotonic()
      const until = began + round.ms / ROUNDS
      const writer = async (name: number) => {
        while (systemClock.monotonic() < until) {
          round.signal.throwIfAborted()
          await writeDurably(path, `${done}-${name}`, chunk)
          written++
        }
      }
      await Promise.all([0, 1, 2, 3].map(writer))
      samples.push(written / ((systemClock.monotonic() - began) / 1000))
      round.onRound(done + 1, ROUNDS)
    }
  } finally {
    await rm(path, { recursive: true, force: true })
  }
  return { diskSync: figureOf(samples), folder: disk }
}

/** One name is written again and again, so that a long run needs no room. */
async function writeDurably(folder: string, name: string, content: Uint8Array): Promise<void> {
  const path = join(folder, name)
  const file = await open(`${path}.tmp`, 'w')
  try {
    await file.writeFile(content)
    await file.sync()
  } finally {
    await file.close()
  }
  await rename(`${path}.tmp`, path)
  const parent = await open(folder, 'r')
  try {
    await parent.sync()
  } finally {
    await parent.close()
  }
}

/** A new folder in the nearest place above `folder` that exists and can be written. */
export async function ownFolder(folder: string): Promise<{ readonly path: string; readonly disk: string }> {
  for (let disk = resolve(folder); ; disk = dirname(disk)) {
    const path = await mkdtemp(join(disk, '.myrmex-bench-')).catch(() => undefined)
    if (path !== undefined) return { path, disk }
    if (disk === dirname(disk)) return { path: await mkdtemp(join(tmpdir(), 'myrmex-bench-')), disk: tmpdir() }
  }
}

export async function freeBytes(folder: string): Promise<number | undefined> {
  try {
    const { bavail, bsize } = await statfs(folder)
    return bavail * bsize
  } catch {
    return undefined
  }
}

async function perSecond(ms: number, signal: AbortSignal, work: () => Promise<unknown>): Promise<number> {
  const began = systemClock.monotonic()
  let count = 0
  for (; systemClock.monotonic() - began < ms; count++) {
    signal.throwIfAborted()
    await work()
    // Ctrl-C is heard only when the event loop turns.
    if (count % 256 === 255) await systemClock.sleep(0, signal)
  }
  return count / ((systemClock.monotonic() - began) / 1000)
}

async function timed(work: () => Promise<void>): Promise<number> {
  const began = systemClock.monotonic()
  await work()
  return systemClock.monotonic() - began
}
