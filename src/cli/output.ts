import { codeOf } from '../base/index.ts'

/** What a person or a script sees: results on stdout, everything else on stderr; bars on a terminal only. */
export class Output {
  readonly json: boolean
  readonly #stdout: NodeJS.WriteStream
  readonly #stderr: NodeJS.WriteStream
  #barShown = false

  constructor(json: boolean, stdout: NodeJS.WriteStream = process.stdout, stderr: NodeJS.WriteStream = process.stderr) {
    this.json = json
    this.#stdout = stdout
    this.#stderr = stderr
  }

  get isTerminal(): boolean {
    return this.#stderr.isTTY === true && !this.json
  }

  /** A result for people; silent with --json. */
  print(text: string): void {
    if (this.json) return
    this.clearBar()
    this.#stdout.write(`${text}\n`)
  }

  /** The one object of --json; silent without. */
  result(value: unknown): void {
    if (this.json) this.#stdout.write(`${JSON.stringify(value)}\n`)
  }

  /** Raw bytes on stdout; resolves when they are taken. */
  bytes(content: Uint8Array): Promise<void> {
    return new Promise((resolve, reject) => {
      // A reader that has seen enough (`| head`) is no failure.
      const done = (error?: Error | null) => (error && codeOf(error) !== 'EPIPE' ? reject(error) : resolve())
      this.#stdout.write(content, done)
    })
  }

  /** A remark: on stderr, in every mode but --json. */
  note(text: string): void {
    if (this.json) return
    this.clearBar()
    this.#stderr.write(`${text}\n`)
  }

  error(text: string): void {
    this.clearBar()
    this.#stderr.write(`Error: ${text}\n`)
  }

  /** One line that is drawn over itself; nothing when stderr is no terminal. */
  bar(label: string, done: number, total: number, unit: string): void {
    if (!this.isTerminal) return
    const share = total > 0 ? Math.min(1, done / total) : 0
    const width = 24
    const filled = Math.round(share * width)
    const count = total > 0 ? `${done}/${total} ${unit}` : `${done} ${unit}`
    this.#stderr.write(
      `\r\x1b[2K${label.padEnd(12)} [${'='.repeat(filled)}${' '.repeat(width - filled)}] ${Math.round(share * 100)}%  ${count}`,
    )
    this.#barShown = true
  }

  clearBar(): void {
    if (!this.#barShown) return
    this.#stderr.write('\r\x1b[2K')
    this.#barShown = false
  }
}

/** On one line and harmless: names of files may hold whatever moves a terminal's cursor. */
export function visible(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: those are what is looked for
  return text.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g, (char) => {
    const hex = char.charCodeAt(0).toString(16)
    return char === '\n' ? '\\n' : `\\u${hex.padStart(4, '0')}`
  })
}

/** `12.3 MB` on 1024, as the network's own tools show sizes. */
export function formatBytes(bytes: number): string {
  const units = ['B', 'KB', 'MB', 'GB', 'TB']
  let value = bytes
  let unit = 0
  for (; value >= 1024 && unit < units.length - 1; unit++) value /= 1024
  return unit === 0 ? `${bytes} B` : `${value.toFixed(value < 10 ? 2 : 1)} ${units[unit]}`
}

export function formatMs(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`
  if (ms < 120_000) return `${(ms / 1000).toFixed(1)} s`
  return `${Math.floor(ms / 60_000)} min ${Math.round((ms % 60_000) / 1000)} s`
}
