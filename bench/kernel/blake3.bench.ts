/** Which backend hashes, and from which size on is a thread worth it? */
import { randomBytes } from 'node:crypto'
import { blake3 } from '@noble/hashes/blake3.js'
import blake3Wasm from 'blake3-wasm'
import { allBackends } from '../backends.ts'
import { compare } from '../measure.ts'
import type { Shelf } from '../run.ts'

const bench: Shelf = async function* ({ effort, level }) {
  const sizes = level === 'smoke' ? [1024] : [32, 1024, 65536, 4 * 1024 * 1024]
  for (const size of sizes) {
    const data = new Uint8Array(randomBytes(size))
    const buffer = Buffer.from(data)
    const out = new Uint8Array(32)
    const contenders = [
      ...allBackends().map((backend) => ({ name: backend.name, run: () => backend.blake3Into(data, out) })),
      { name: 'blake3-wasm 2.1.5', run: () => blake3Wasm.hash(buffer) },
      { name: '@noble/hashes', run: () => blake3(data) },
    ]
    yield await compare(`blake3 ${size} B`, contenders, effort, size)
  }
}
export default bench
