/** What happened, folded into one short text: two runs are the same exactly when their traces are (as far as 53 bits tell). */
export class Trace {
  #high = 0xdeadbeef
  #low = 0x41c6ce57
  #count = 0
  readonly #kept: string[] = []
  readonly #keep: number

  /** `keep`: how many of the first lines are kept word by word, to find where two runs part. */
  constructor(keep = 0) {
    this.#keep = keep
  }

  get count(): number {
    return this.#count
  }
  get lines(): readonly string[] {
    return this.#kept
  }

  /** cyrb53 (a public-domain hash by bryc), chained over lines. */
  add(line: string): void {
    this.#count++
    if (this.#kept.length < this.#keep) this.#kept.push(line)
    for (let i = 0; i < line.length; i++) this.#mix(line.charCodeAt(i))
    this.#finish()
  }

  /**
   * An event that comes for every message: `what` is a text of its own kind and place, made once, with the number that
   * `traceName` gives it. No text is made for it but for the lines that are kept.
   */
  addMessage(atMs: number, what: string, name: number, bytes: number): void {
    this.#count++
    if (this.#kept.length < this.#keep) this.#kept.push(`${atMs} ${what} ${bytes}`)
    this.#mix(Math.round(atMs * 1000) | 0)
    this.#mix(name)
    this.#mix(bytes)
    this.#finish()
  }

  #mix(code: number): void {
    this.#high = Math.imul(this.#high ^ code, 2654435761)
    this.#low = Math.imul(this.#low ^ code, 1597334677)
  }

  #finish(): void {
    this.#high = Math.imul(this.#high ^ (this.#high >>> 16), 2246822507) ^ (this.#low >>> 13)
    this.#low = Math.imul(this.#low ^ (this.#low >>> 16), 3266489909) ^ (this.#high >>> 13)
  }

  digest(): string {
    return `${this.#count}:${(this.#high >>> 0).toString(16).padStart(8, '0')}${(this.#low >>> 0).toString(16).padStart(8, '0')}`
  }
}

/** FNV-1a (Fowler, Noll, Vo) of a text, for `addMessage`. */
export function traceName(text: string): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193)
  return hash
}
