/** Scales and ticks of one axis. Pure. */

export interface Axis {
  readonly log: boolean
  readonly low: number
  readonly high: number
  readonly ticks: readonly number[]
  /** 0..1 of a value. */
  at(value: number): number
}

/** Values that span more than this are drawn on a logarithmic axis, when none is zero or below. */
const LOG_SPAN = 15

export function axisFor(values: readonly number[], options: { readonly ticks?: readonly number[] } = {}): Axis {
  const known = values.filter(Number.isFinite)
  // Not spread over arguments: a long run has more points than a call takes.
  const low = known.reduce((least, value) => Math.min(least, value), Number.POSITIVE_INFINITY)
  const high = known.reduce((most, value) => Math.max(most, value), Number.NEGATIVE_INFINITY)
  if (known.length === 0) return linear(0, 1)
  const log = low > 0 && high / low > LOG_SPAN
  if (log) return logarithmic(low, high, options.ticks)
  return linear(options.ticks ? low : Math.min(0, low), high, options.ticks)
}

function linear(low: number, high: number, ticks?: readonly number[]): Axis {
  const step = niceStep((high - low || Math.abs(high) || 1) / 4)
  const from = ticks ? low : Math.floor(low / step) * step
  const to = ticks ? high : Math.ceil(high / step - 1e-9) * step || step
  const width = to - from || 1
  const made = Array.from({ length: Math.round(width / step) + 1 }, (_, i) => Number((from + i * step).toPrecision(12)))
  const at = (value: number) => (to === from ? 0.5 : (value - from) / width)
  return { log: false, low: from, high: to, ticks: ticks ?? made, at }
}

function logarithmic(low: number, high: number, ticks?: readonly number[]): Axis {
  const from = ticks ? Math.log10(low) : Math.floor(Math.log10(low) + 1e-9)
  const to = ticks ? Math.log10(high) : Math.ceil(Math.log10(high) - 1e-9)
  const decades = Array.from({ length: Math.round(to - from) + 1 }, (_, i) => 10 ** (from + i))
  const every = Math.ceil(decades.length / 6)
  const made = decades.filter((_, i) => i % every === 0)
  const at = (value: number) => (Math.log10(value) - from) / (to - from || 1)
  return { log: true, low: 10 ** from, high: 10 ** to, ticks: ticks ?? made, at }
}

/** 1, 2 or 5 times a power of ten, at least as large as asked for. */
function niceStep(rough: number): number {
  const power = 10 ** Math.floor(Math.log10(rough))
  const factor = [1, 2, 5, 10].find((step) => step * power >= rough * 0.999) as number
  return factor * power
}

/** The ticks that may be written without running into each other: `width` tells the room that each text takes. */
export function spaced(
  ticks: readonly number[],
  place: (tick: number) => number,
  width: (tick: number) => number,
): number[] {
  const kept: number[] = []
  // From the end: the largest size is the one that is looked for.
  for (const tick of ticks.toSorted((a, b) => b - a)) {
    const last = kept.at(-1)
    if (last === undefined || place(last) - place(tick) >= (width(last) + width(tick)) / 2 + 6) kept.push(tick)
  }
  return kept.reverse()
}

/** 1.2M, 30k, 0.5: short enough for an axis. */
export function axisNumber(value: number): string {
  const size = Math.abs(value)
  for (const [unit, scale] of [
    ['G', 1e9],
    ['M', 1e6],
    ['k', 1e3],
  ] as const)
    if (size >= scale) return `${Number((value / scale).toPrecision(3))}${unit}`
  return size > 0 && size < 0.001 ? value.toExponential(0) : String(Number(value.toPrecision(3)))
}
