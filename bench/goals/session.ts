/** A child that answers each line with one line of JSON: Rust and Node sides of a comparison take turns by it. */
import type { ChildProcess } from 'node:child_process'
import { createInterface } from 'node:readline'

export type Answer = Readonly<Record<string, unknown>>

export class Session {
  readonly #child: ChildProcess
  readonly #waiting: PromiseWithResolvers<Answer>[] = []
  #over: Error | undefined

  /** Standard input and output of the child are pipes. */
  constructor(child: ChildProcess, signal: AbortSignal) {
    this.#child = child
    child.stdin?.on('error', () => undefined)
    if (child.stdout) createInterface(child.stdout).on('line', (line) => this.#line(line))
    child.on('exit', (code, name) => this.#end(new Error(`a child process ended with ${name ?? `code ${code}`}`)))
    child.on('error', (error) => this.#end(error))
    signal.addEventListener('abort', () => this.stop(), { once: true })
    if (signal.aborted) this.stop()
  }

  get pid(): number {
    return this.#child.pid ?? 0
  }

  ask(...words: readonly (string | number)[]): Promise<Answer> {
    const answer = this.next()
    this.#child.stdin?.write(`${words.join('\t')}\n`)
    return answer
  }

  /** A line that the child says by itself. */
  next(): Promise<Answer> {
    if (this.#over) return Promise.reject(this.#over)
    const waiting = Promise.withResolvers<Answer>()
    this.#waiting.push(waiting)
    return waiting.promise
  }

  /** The figure of that name in the answer. */
  async figure(name: string, ...words: readonly (string | number)[]): Promise<number> {
    const value = (await this.ask(...words))[name]
    if (typeof value !== 'number') throw new Error(`${words[0]}: no figure "${name}" in the answer`)
    return value
  }

  stop(): void {
    this.#child.stdin?.end()
    this.#child.kill('SIGKILL')
  }

  #line(line: string): void {
    const waiting = this.#waiting.shift()
    try {
      const answer = JSON.parse(line) as Answer
      if (typeof answer['error'] === 'string') throw new Error(answer['error'])
      waiting?.resolve(answer)
    } catch (error) {
      waiting?.reject(error)
    }
  }

  #end(error: Error): void {
    this.#over ??= error
    for (const waiting of this.#waiting.splice(0)) waiting.reject(this.#over)
  }
}

/** The child's half: answers lines until standard input ends, then leaves. */
export function serveSession(answer: (words: readonly string[]) => Promise<Answer> | Answer): void {
  let last = Promise.resolve()
  const reply = async (line: string) => {
    let said: Answer
    try {
      said = await answer(line.split('\t'))
    } catch (error) {
      said = { error: error instanceof Error ? error.message : String(error) }
    }
    process.stdout.write(`${JSON.stringify(said)}\n`)
  }
  createInterface(process.stdin)
    .on('line', (line) => {
      last = last.then(() => reply(line))
    })
    .on('close', () => process.exit(0))
}
