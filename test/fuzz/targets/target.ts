/** Something that makes values of bytes which a stranger, a disk or a hand wrote. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

export interface FuzzTarget {
  readonly name: string
  /** Exported functions that this target runs: `listed.test.ts` looks for those that no target names. */
  readonly covers: readonly string[]
  /** Good inputs. */
  readonly corpus: readonly Uint8Array[]
  decode(bytes: Uint8Array): unknown
  /** What says in place of an error that there is nothing to be had. */
  isNothing?(value: never): boolean
  /** Encodes what `decode` gave; undefined when this value has no second way to be written. */
  encode?(value: never): Uint8Array | Promise<Uint8Array> | undefined
}

export function vectors(name: string): ReturnType<typeof JSON.parse> {
  return JSON.parse(readFileSync(join(import.meta.dirname, '../../vectors', `${name}.json`), 'utf8'))
}
