/** The words of one line of a scenario, read one after another; every complaint tells line and word. Pure. */
import { ScenarioError } from './errors.ts'
import type { Amount } from './scenario.ts'
import type { Unit } from './units.ts'

const SHOWN = 40

export class LineReader {
  readonly #words: readonly string[]
  readonly line: number
  #next = 0

  /** `100Mbit/s`, `100 Mbit/s`, `>=7` and `>= 7` are the same; `#` begins a remark. */
  constructor(text: string, line: number) {
    const said = text.split('#', 1)[0] as string
    const spaced = said.replace(/(>=|<=|=|,|%)/g, ' $1 ').replace(/(^|\s)(\d[\d_.]*)([A-Za-z%])/g, '$1$2 $3')
    this.#words = spaced.split(/\s+/).filter((word) => word !== '' && word !== ',')
    this.line = line
  }

  get empty(): boolean {
    return this.#words.length === 0
  }
  get atEnd(): boolean {
    return this.#next >= this.#words.length
  }
  peek(): string | undefined {
    return this.#words[this.#next]
  }

  fail(message: string): never {
    throw new ScenarioError('SCENARIO_FILE', `line ${this.line}: ${message}`)
  }

  /** The next word when it is this one. */
  take(word: string): boolean {
    if (this.peek() !== word) return false
    this.#next++
    return true
  }

  word(what: string): string {
    const word = this.peek()
    if (word === undefined) return this.fail(`${what} is missing at the end`)
    this.#next++
    return word
  }

  expect(word: string): void {
    if (!this.take(word)) this.fail(`"${word}" is expected${this.#instead()}`)
  }

  /** One of a closed list; names of two words come first in it or do not matter. */
  oneOf<const T extends string>(names: readonly T[], what: string): T {
    const two = `${this.peek()} ${this.#words[this.#next + 1]} ${this.#words[this.#next + 2]}`
    const found = names.toSorted((a, b) => b.length - a.length).find((name) => `${two} `.startsWith(`${name} `))
    if (found === undefined) return this.fail(`${what} is one of ${names.join(', ')}${this.#instead()}`)
    this.#next += found.split(' ').length
    return found
  }

  number(what: string, { min = 0, max = Number.MAX_SAFE_INTEGER, whole = false } = {}): number {
    const word = this.word(what)
    const value = /^\d[\d_]*(\.\d+)?$/.test(word) ? Number(word.replaceAll('_', '')) : Number.NaN
    if (!(value >= min && value <= max) || (whole && !Number.isInteger(value)))
      this.fail(`${what} is a ${whole ? 'whole ' : ''}number from ${min} to ${max}, not "${word.slice(0, SHOWN)}"`)
    return value
  }

  quantity(what: string, unit: Unit, { min = 0, max = Number.MAX_SAFE_INTEGER } = {}): number {
    const number = this.number(what)
    const name = this.word(`the unit of ${what}`)
    const value = unit.read(number, name)
    if (value === undefined) return this.fail(`${what} is ${unit.name}, not "${number} ${name.slice(0, SHOWN)}"`)
    if (value < min || value > max) this.fail(`${what} is out of range`)
    return value
  }

  amount(what: string): Amount {
    const value = this.number(what, { max: 1_000_000 })
    if (this.take('%')) {
      if (value > 100) this.fail(`${what} is more than 100 %`)
      return { kind: 'share', share: Number((value / 100).toPrecision(12)) }
    }
    if (!Number.isInteger(value)) this.fail(`${what} is a whole number or a share such as 5 %`)
    return { kind: 'count', count: value }
  }

  end(): void {
    if (!this.atEnd) this.fail(`nothing more is expected after "${this.#words[this.#next - 1]}"${this.#instead()}`)
  }

  #instead(): string {
    const word = this.peek()
    return word === undefined ? ', and the line ends' : `, not "${word.slice(0, SHOWN)}"`
  }
}
