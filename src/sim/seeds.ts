/** Dice for each concern, all from one seed: a draw more in one place does not shift the others. */
import { type Random, seededRandom } from '../base/index.ts'

export class Seeds {
  readonly #seed: number
  readonly #streams = new Map<string, Random>()

  constructor(seed: number) {
    this.#seed = seed
  }

  /** The stream of this name; the same object every time. */
  stream(name: string): Random {
    let stream = this.#streams.get(name)
    if (!stream) this.#streams.set(name, (stream = seededRandom(mix(this.#seed, name))))
    return stream
  }
}

/** FNV-1a (Fowler, Noll, Vo) over the seed and the name, finished as in MurmurHash3. */
function mix(seed: number, name: string): number {
  let hash = 0x811c9dc5
  for (const character of `${seed}/${name}`) hash = Math.imul(hash ^ (character.codePointAt(0) as number), 0x01000193)
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return (hash ^ (hash >>> 16)) >>> 0
}
