/**
 * Logging: a level, a constant sentence, fields. One line a finished operation or a peer fault, nothing per packet
 * above trace. No secrets, no chunk bytes. Silent unless somebody asks for a sink.
 */
import type { Clock } from './clock.ts'

export const LOG_LEVELS = ['error', 'warn', 'info', 'debug', 'trace'] as const
export type LogLevel = (typeof LOG_LEVELS)[number]
export type LogFields = Readonly<Record<string, unknown>>

export interface LogRecord {
  readonly time: number
  readonly level: LogLevel
  readonly room: string
  readonly message: string
  readonly fields: LogFields
}

export interface Logger {
  child(room: string): Logger
  enabled(level: LogLevel): boolean
  error(message: string, fields?: LogFields): void
  warn(message: string, fields?: LogFields): void
  info(message: string, fields?: LogFields): void
  debug(message: string, fields?: LogFields): void
  trace(message: string, fields?: LogFields): void
}

export type LogSink = (record: LogRecord) => void

class SinkLogger implements Logger {
  readonly #clock: Clock
  readonly #threshold: number
  readonly #sink: LogSink
  readonly #room: string

  constructor(clock: Clock, threshold: number, sink: LogSink, room: string) {
    this.#clock = clock
    this.#threshold = threshold
    this.#sink = sink
    this.#room = room
  }
  child(room: string): Logger {
    return new SinkLogger(this.#clock, this.#threshold, this.#sink, this.#room ? `${this.#room}.${room}` : room)
  }
  enabled(level: LogLevel): boolean {
    return LOG_LEVELS.indexOf(level) <= this.#threshold
  }
  error(message: string, fields?: LogFields): void {
    this.#write('error', message, fields)
  }
  warn(message: string, fields?: LogFields): void {
    this.#write('warn', message, fields)
  }
  info(message: string, fields?: LogFields): void {
    this.#write('info', message, fields)
  }
  debug(message: string, fields?: LogFields): void {
    this.#write('debug', message, fields)
  }
  trace(message: string, fields?: LogFields): void {
    this.#write('trace', message, fields)
  }
  #write(level: LogLevel, message: string, fields: LogFields = {}): void {
    if (this.enabled(level)) this.#sink({ time: this.#clock.now(), level, room: this.#room, message, fields })
  }
}

/** Passes records of this level and graver ones on to `sink`. */
export function createLogger(options: { clock: Clock; level: LogLevel; sink: LogSink }): Logger {
  return new SinkLogger(options.clock, LOG_LEVELS.indexOf(options.level), options.sink, '')
}

export const silentLogger: Logger = {
  child: () => silentLogger,
  enabled: () => false,
  error: () => undefined,
  warn: () => undefined,
  info: () => undefined,
  debug: () => undefined,
  trace: () => undefined,
}

/** One JSON object a line. */
export function formatJson(record: LogRecord): string {
  const { time, level, room, message, fields } = record
  return JSON.stringify({ timestamp: new Date(time).toISOString(), level, target: room, message, ...plain(fields) })
}

/** One readable line. */
export function formatText(record: LogRecord): string {
  const fields = Object.entries(plain(record.fields)).map(
    ([name, value]) => ` ${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`,
  )
  return `${new Date(record.time).toISOString()} ${record.level.toUpperCase().padEnd(5)} ${record.room}: ${record.message}${fields.join('')}`
}

function plain(fields: LogFields): Record<string, unknown> {
  const result: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(fields)) {
    if (value instanceof Error) result[name] = value.message
    else if (typeof value === 'bigint') result[name] = value.toString()
    else result[name] = value
  }
  return result
}
