/** Quantities of scenario files, as words and back. Pure. */
import { hour } from '../base/index.ts'

const TIMES: Readonly<Record<string, number>> = { ms: 1, s: 1000, min: 60_000, h: 3_600_000 }
const SIZES: Readonly<Record<string, number>> = { B: 1, KiB: 1024, MiB: 1024 ** 2 }

export interface Unit {
  /** What is expected, for messages. */
  readonly name: string
  read(number: number, unit: string): number | undefined
}

const inUnits = (name: string, units: Readonly<Record<string, number>>): Unit => ({
  name,
  read: (number, unit) => {
    const scale = Object.hasOwn(units, unit) ? units[unit] : undefined
    return scale === undefined ? undefined : rounded(number * scale)
  },
})

export const TIME = inUnits('a time such as 90 s, 5 min or 24 h', TIMES)
export const SIZE = inUnits('a size such as 4 KiB', SIZES)
export const BANDWIDTH = inUnits('a bandwidth such as 100 Mbit/s', { 'Mbit/s': 125_000, 'kbit/s': 125 })
export const PERCENT: Unit = {
  name: 'a share such as 5 %',
  read: (number, unit) => (unit === '%' ? rounded(number / 100) : undefined),
}

/** Without the last bits that decimal fractions do not have. */
function rounded(value: number): number {
  return Number(value.toPrecision(12))
}

/** For reports: 0.97 h. */
export function hoursText(ms: number): string {
  return `${(ms / hour).toFixed(2)} h`
}
export function timeText(ms: number): string {
  return inLargest(ms, TIMES)
}
export function sizeText(bytes: number): string {
  return inLargest(bytes, SIZES)
}
export function bandwidthText(bytesPerSecond: number): string {
  const mbit = bytesPerSecond / 125_000
  return mbit >= 1 ? `${rounded(mbit)} Mbit/s` : `${rounded(bytesPerSecond / 125)} kbit/s`
}
export function percentText(share: number): string {
  return `${rounded(share * 100)} %`
}

/** The largest unit that needs at most two decimals. */
function inLargest(value: number, units: Readonly<Record<string, number>>): string {
  const fitting = Object.entries(units).filter(([, scale]) => {
    const inUnit = value / scale
    return inUnit >= 1 && Math.abs(inUnit * 100 - Math.round(inUnit * 100)) < 1e-9
  })
  const [name, scale] = fitting.at(-1) ?? (Object.entries(units)[0] as [string, number])
  return `${rounded(value / scale)} ${name}`
}
