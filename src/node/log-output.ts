/** Where a node's log lines go: standard output, or one file a day of which the newest are kept (operations.md 7). */
import { closeSync, mkdirSync, openSync, readdirSync, rmSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import {
  createLogger,
  formatJson,
  formatText,
  type Logger,
  type LogLevel,
  type LogSink,
  systemClock,
} from '../base/index.ts'

export interface LogOutputOptions {
  readonly level: LogLevel
  readonly format: 'text' | 'json'
  /** Folder of daily files; standard output without it. */
  readonly folder?: string
  readonly maxFiles?: number
}

const DEFAULT_MAX_FILES = 7
const FILE_NAME = /^ant-node\.\d{4}-\d{2}-\d{2}\.log$/

export function createLogOutput(options: LogOutputOptions): Logger {
  const format = options.format === 'json' ? formatJson : formatText
  const write =
    options.folder === undefined
      ? (line: string) => void process.stdout.write(line)
      : dailyFiles(options.folder, options.maxFiles ?? DEFAULT_MAX_FILES)
  const sink: LogSink = (record) => write(`${format(record)}\n`, record.time)
  return createLogger({ clock: systemClock, level: options.level, sink })
}

function dailyFiles(folder: string, maxFiles: number): (line: string, time: number) => void {
  mkdirSync(folder, { recursive: true })
  let day = ''
  let file = -1
  return (line, time) => {
    const today = new Date(time).toISOString().slice(0, 10)
    try {
      if (today !== day) {
        if (file >= 0) closeSync(file)
        file = openSync(join(folder, `ant-node.${today}.log`), 'a', 0o640)
        day = today
        const old = readdirSync(folder)
          .filter((name) => FILE_NAME.test(name))
          .sort()
        for (const name of old.slice(0, Math.max(0, old.length - maxFiles))) rmSync(join(folder, name), { force: true })
      }
      writeSync(file, line)
    } catch {
      // A full disk must not stop the node that could free it; the next line tries again.
    }
  }
}
