/** Child of the file rows: files to chunks and back through the rooms, as `myrmex encrypt` and `decrypt` wire them. */
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fromHex, never, systemClock, systemRandom, toHex } from '../../../src/base/index.ts'
import { createLocalFiles } from '../../../src/client/index.ts'
import { createPiscinaCompute } from '../../../src/compute/index.ts'
import { backend } from '../../../src/crypto/index.ts'
import type { ChunkAddress } from '../../../src/protocol/index.ts'
import { decodeBincode, decryptStream, encodeBincode, encryptStream } from '../../../src/self-encryption/index.ts'
import { type Answer, serveSession } from '../session.ts'
import { callNs } from '../timing.ts'

/** Plain bytes of a full chunk. */
const CHUNK = 4_190_208

const compute = createPiscinaCompute({ clock: systemClock })
const files = createLocalFiles({ random: systemRandom })

/** As the Rust side gives it: BLAKE3 of all addresses in ascending order. */
function namesOf(addresses: readonly ChunkAddress[]): string {
  const hasher = backend().createHasher()
  for (const address of addresses) hasher.update(fromHex(address) as Uint8Array)
  return toHex(hasher.digest())
}

async function encrypt(path: string, folder: string | undefined): Promise<Answer> {
  if (folder !== undefined) await mkdir(folder, { recursive: true })
  const began = performance.now()
  const source = await files.openFile(path)
  try {
    const onChunk = async ({ address, content }: { address: ChunkAddress; content: Uint8Array }) => {
      if (folder !== undefined) await writeFile(join(folder, address), content)
    }
    const result = await encryptStream(source, { compute, signal: never, reclaim: true, onChunk })
    const ms = performance.now() - began
    if (folder !== undefined) await writeFile(join(folder, 'map'), encodeBincode(result.dataMap))
    const { addresses } = result
    return { ms, chunks: addresses.length, names: namesOf(addresses), content: toHex(result.contentHash) }
  } finally {
    await source.close()
  }
}

async function decrypt(folder: string, map: string, take: (part: Uint8Array) => void): Promise<void> {
  const dataMap = decodeBincode(await readFile(map))
  const fetchChunk = (address: ChunkAddress) => readFile(join(folder, address))
  for await (const part of decryptStream(dataMap, { fetchChunk, compute, signal: never, reclaim: true })) take(part)
}

serveSession(async ([command, ...words]) => {
  const [first = '', second = ''] = words
  switch (command) {
    case 'encrypt':
      return encrypt(first, words[1])
    case 'decrypt': {
      const began = performance.now()
      let size = 0
      await decrypt(first, second, (part) => (size += part.length))
      return { ms: performance.now() - began, size }
    }
    case 'check': {
      const hasher = backend().createHasher()
      await decrypt(first, second, (part) => hasher.update(part))
      return { content: toHex(hasher.digest()) }
    }
    // One chunk of the file on this thread, over and over.
    case 'seal': {
      const source = await files.openFile(first)
      const plain = await source.read(CHUNK, CHUNK, never)
      await source.close()
      const hash = new Uint8Array(32).fill(1)
      const keys = { source: backend().blake3(plain), neighbour1: hash, neighbour2: hash, index: 0, level: 0 }
      return { ns: callNs(Number(second), () => backend().sealChunk(plain, keys)), bytes: plain.length }
    }
    case 'idle':
      return { backend: backend().name }
    default:
      throw new Error(`no command "${command}"`)
  }
})
