/** One chunk of self-encryption, there and back: what one core can do. */
import { randomBytes } from 'node:crypto'
import { vectorBytes } from '../../test/support/vector-input.ts'
import { allBackends } from '../backends.ts'
import { compare } from '../measure.ts'
import type { Shelf } from '../run.ts'

const bench: Shelf = async function* ({ effort, level }) {
  const size = level === 'smoke' ? 65536 : 4_190_208
  const inputs = {
    random: new Uint8Array(randomBytes(size)),
    'log text': vectorBytes({ gen: 'lcg-log', seed: 64, length: size }),
  }
  const backends = allBackends()
  for (const [name, plain] of Object.entries(inputs)) {
    const source = (backends[0] as (typeof backends)[number]).blake3(plain)
    const keys = {
      source,
      neighbour1: new Uint8Array(32).fill(1),
      neighbour2: new Uint8Array(32).fill(2),
      index: 0,
      level: 0,
    }
    const sealed = (backends[0] as (typeof backends)[number]).sealChunk(plain, keys).content
    yield await compare(
      `seal ${name} ${size} B`,
      backends.map((backend) => ({ name: backend.name, run: () => backend.sealChunk(plain, keys) })),
      effort,
      size,
    )
    yield await compare(
      `open ${name} ${size} B`,
      backends.map((backend) => ({ name: backend.name, run: () => backend.openChunk(sealed, keys, size) })),
      effort,
      size,
    )
  }
}
export default bench
