/**
 * Why chunks were lost: how their copies went, and who stood where they belong when the last one was gone. Looks from
 * outside and changes nothing.
 */
import { SIMULATED_ROOT, type SimulatedNode } from '../../devnet/index.ts'
import { type ChunkAddress, CLOSE_GROUP_SIZE, short } from '../../protocol/index.ts'
import { PAID_LIST_FOLDER } from '../../storage/index.ts'
import { Nearest } from '../nearest.ts'
import { hoursText } from '../units.ts'
import { PAID_GROUP, type Town } from './town.ts'

/** Samples whose copies are told. */
const REMEMBERED = 8
/** Chunks that are told of, in a run. */
const CASES = 5

export class Autopsy {
  readonly #town: Town
  readonly #before: Uint16Array[] = []
  readonly #told = new Set<number>()

  constructor(town: Town) {
    this.#town = town
  }

  /** Copies of all chunks, in their order; to be called for each sample. */
  look(at: number, counts: Uint16Array): void {
    this.#before.push(counts)
    if (this.#before.length > REMEMBERED) this.#before.shift()
    for (const [index, count] of counts.entries()) {
      if (this.#told.size >= CASES) return
      if (count > 0 || this.#told.has(index)) continue
      this.#told.add(index)
      this.#town.notes.push(this.#caseOf(index, at))
    }
  }

  #caseOf(index: number, at: number): string {
    const { chunks, live } = this.#town
    const address = chunks[index] as ChunkAddress
    const copies = this.#before.map((counts) => counts[index] ?? 0).join(', ')
    const wide = new Nearest(live).of(address, PAID_GROUP)
    const group = wide.slice(0, CLOSE_GROUP_SIZE)
    const knowing = wide.filter((node) => lists(node, address)).length
    const ages = group.map((node) => Math.round(this.#town.ageOf(node) / 1000)).sort((a, b) => a - b)
    const joining = group.filter(({ replication }) => replication.bootstrapping).length
    const wanted = group.filter(({ replication }) => replication.pending > 0).length
    return `chunk ${short(address)} had no copy at ${hoursText(at)}; copies of the last samples: ${copies}; its ${group.length} nearest are ${ages.join(', ')} s old, ${joining} of them have not caught up, ${wanted} have keys to verify or fetch; ${knowing} of the ${wide.length} nearest list it as paid`
  }
}

/** By its disk: to ask the list itself may open it anew. */
function lists({ disk }: SimulatedNode, address: ChunkAddress): boolean {
  return disk.keysIn(`${SIMULATED_ROOT}/${PAID_LIST_FOLDER}`)?.has(address) === true
}
