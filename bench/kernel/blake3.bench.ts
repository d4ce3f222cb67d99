/**
 * Which backend hashes, and from which size on is a thread worth it? Keyed and small inputs decide whether the per-call
 * cost of the addon matters for addresses and keys; the incremental hasher whether a message can be hashed while it
 * arrives.
 */
import { randomBytes } from 'node:crypto'
import { blake3 } from '@noble/hashes/blake3.js'
import blake3Wasm from 'blake3-wasm'
import { allBackends } from '../backends.ts'
import { sizeText } from '../format.ts'
import { compare } from '../measure.ts'
import { benchFile, type Context, type Step } from '../shelf.ts'

const SIZES = [32, 1024, 64 * 1024, 1024 * 1024, 4 * 1024 * 1024]
const PIECE = 64 * 1024

export default benchFile({
  steps: (context) => {
    const sizes = context.level === 'smoke' ? [1024] : SIZES
    return [...sizes.map((size) => plain(size, context)), keyed(context), incremental(context)]
  },
})

function plain(size: number, { effort }: Context): Step<undefined> {
  const id = `blake3 ${sizeText(size)}`
  return {
    id,
    async run() {
      const data = new Uint8Array(randomBytes(size))
      const buffer = Buffer.from(data)
      const out = new Uint8Array(32)
      const contenders = [
        ...allBackends().map((backend) => ({ name: backend.name, run: () => backend.blake3Into(data, out) })),
        { name: 'blake3-wasm 2.1.5', run: () => blake3Wasm.hash(buffer) },
        { name: '@noble/hashes', run: () => blake3(data) },
      ]
      return compare(id, contenders, effort, size, {
        place: { chart: 'BLAKE3 by input size', x: size, xTitle: 'input', xUnit: 'B' },
      })
    },
  }
}

function keyed({ effort }: Context): Step<undefined> {
  const id = 'blake3 keyed, 64 B'
  return {
    id,
    async run() {
      const key = new Uint8Array(randomBytes(32))
      const data = new Uint8Array(randomBytes(64))
      const contenders = [
        ...allBackends().map((backend) => ({ name: backend.name, run: () => backend.blake3Keyed(key, data) })),
        { name: '@noble/hashes', run: () => blake3(data, { key }) },
      ]
      return compare(id, contenders, effort)
    },
  }
}

function incremental({ effort, level }: Context): Step<undefined> {
  const size = level === 'smoke' ? 2 * PIECE : 4 * 1024 * 1024
  const id = `blake3 ${sizeText(size)} in pieces of ${sizeText(PIECE)}`
  return {
    id,
    async run() {
      const data = new Uint8Array(randomBytes(size))
      const contenders = allBackends().map((backend) => ({
        name: backend.name,
        run: () => {
          const hasher = backend.createHasher()
          for (let at = 0; at < size; at += PIECE) hasher.update(data.subarray(at, at + PIECE))
          return hasher.digest()
        },
      }))
      return compare(id, contenders, effort, size)
    },
  }
}
