/**
 * An ordered set of 32-byte keys with a byte of flags each: sorted blocks of 512 keys in plain memory (a B+ tree of two
 * levels), 48 bytes a key in the middle, where a Map of texts takes 200. Pure.
 */
import { assert } from '../../base/index.ts'
import { KEY_BYTES } from '../../protocol/index.ts'
import { compareAt } from './key-bytes.ts'

const BLOCK_KEYS = 512

class Block {
  readonly keys = new Uint8Array(BLOCK_KEYS * KEY_BYTES)
  readonly flags = new Uint8Array(BLOCK_KEYS)
  count = 0

  /** First index whose key is not below. */
  lowerBound(key: Uint8Array): number {
    let [low, high] = [0, this.count]
    while (low < high) {
      const middle = (low + high) >>> 1
      if (compareAt(this.keys, middle * KEY_BYTES, key, 0) < 0) low = middle + 1
      else high = middle
    }
    return low
  }
  holds(key: Uint8Array, index: number): boolean {
    return index < this.count && compareAt(this.keys, index * KEY_BYTES, key, 0) === 0
  }
  insert(index: number, key: Uint8Array, flags: number): void {
    this.keys.copyWithin((index + 1) * KEY_BYTES, index * KEY_BYTES, this.count * KEY_BYTES)
    this.flags.copyWithin(index + 1, index, this.count)
    this.keys.set(key, index * KEY_BYTES)
    this.flags[index] = flags
    this.count++
  }
  remove(index: number): void {
    this.keys.copyWithin(index * KEY_BYTES, (index + 1) * KEY_BYTES, this.count * KEY_BYTES)
    this.flags.copyWithin(index, index + 1, this.count)
    this.count--
  }
  /** Appends those of another block from an index on, and leaves them there no more. */
  take(other: Block, from: number): void {
    this.keys.set(other.keys.subarray(from * KEY_BYTES, other.count * KEY_BYTES), this.count * KEY_BYTES)
    this.flags.set(other.flags.subarray(from, other.count), this.count)
    this.count += other.count - from
    other.count = from
  }
}

export class SortedKeys {
  readonly #blocks: Block[] = [new Block()]
  #size = 0
  #version = 0

  get size(): number {
    return this.#size
  }
  /** Moves with every insertion and removal: a cursor of an older one is void. */
  get version(): number {
    return this.#version
  }

  /** 0 when the key is not there. */
  get(key: Uint8Array): number {
    const block = this.#blocks[this.#blockOf(key)] as Block
    const index = block.lowerBound(key)
    return block.holds(key, index) ? (block.flags[index] as number) : 0
  }

  /** Sets the flags; 0 removes the key. The key is borrowed. Gives the old flags. */
  set(key: Uint8Array, flags: number): number {
    const at = this.#blockOf(key)
    const block = this.#blocks[at] as Block
    const index = block.lowerBound(key)
    if (block.holds(key, index)) {
      const old = block.flags[index] as number
      if (flags === 0) this.#remove(at, index)
      else block.flags[index] = flags
      return old
    }
    if (flags !== 0) this.#insert(at, index, key, flags)
    return 0
  }

  /** At the first key that is not below. */
  seek(key: Uint8Array): KeyCursor {
    const at = this.#blockOf(key)
    return new KeyCursor(this, this.#blocks, at, (this.#blocks[at] as Block).lowerBound(key))
  }

  #insert(at: number, index: number, key: Uint8Array, flags: number): void {
    const block = this.#blocks[at] as Block
    this.#size++
    this.#version++
    if (block.count < BLOCK_KEYS) {
      block.insert(index, key, flags)
      return
    }
    const upper = new Block()
    this.#blocks.splice(at + 1, 0, upper)
    // Keys that come in order, as from a store that is read at start, leave full blocks behind.
    const ascending = at === this.#blocks.length - 2 && index === BLOCK_KEYS
    upper.take(block, ascending ? BLOCK_KEYS : BLOCK_KEYS / 2)
    if (index <= block.count && !ascending) block.insert(index, key, flags)
    else upper.insert(index - block.count, key, flags)
  }

  #remove(at: number, index: number): void {
    const block = this.#blocks[at] as Block
    block.remove(index)
    this.#size--
    this.#version++
    if (block.count > BLOCK_KEYS / 4) return
    for (const lower of [at - 1, at]) {
      const [first, second] = [this.#blocks[lower], this.#blocks[lower + 1]]
      if (!first || !second || first.count + second.count > (BLOCK_KEYS * 3) / 4) continue
      first.take(second, 0)
      this.#blocks.splice(lower + 1, 1)
      return
    }
  }

  /** The last block whose first key is not above; the first block takes what is below all. */
  #blockOf(key: Uint8Array): number {
    let [low, high] = [1, this.#blocks.length]
    while (low < high) {
      const middle = (low + high) >>> 1
      if (compareAt((this.#blocks[middle] as Block).keys, 0, key, 0) <= 0) low = middle + 1
      else high = middle
    }
    return low - 1
  }
}

/** A place in the set, good until the set changes. */
export class KeyCursor {
  readonly #set: SortedKeys
  readonly #blocks: readonly Block[]
  readonly #version: number
  #block: number
  #index: number

  constructor(set: SortedKeys, blocks: readonly Block[], block: number, index: number) {
    this.#set = set
    this.#blocks = blocks
    this.#version = set.version
    this.#block = block
    this.#index = index
    this.#settle()
  }

  get atEnd(): boolean {
    return this.#block >= this.#blocks.length
  }
  /** The memory in which the key stands, at `offset`; borrowed. */
  get bytes(): Uint8Array {
    return (this.#blocks[this.#block] as Block).keys
  }
  get offset(): number {
    return this.#index * KEY_BYTES
  }
  get flags(): number {
    return (this.#blocks[this.#block] as Block).flags[this.#index] as number
  }
  advance(): void {
    assert(this.#version === this.#set.version, 'the set changed under a cursor')
    this.#index++
    this.#settle()
  }

  #settle(): void {
    while (this.#block < this.#blocks.length && this.#index >= (this.#blocks[this.#block] as Block).count) {
      this.#block++
      this.#index = 0
    }
  }
}
