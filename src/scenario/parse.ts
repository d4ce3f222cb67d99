/** Scenario files: one thing a line, `#` begins a remark. The words are told in scenarios/README.md. Pure. */
import { ScenarioError } from './errors.ts'
import { LineReader } from './line-reader.ts'
import { objectionToEvent, objectionToExpectation, objectionToRates } from './objections.ts'
import {
  DISK_FAULTS,
  type Expectation,
  LIES,
  MEASURES,
  MOMENTS,
  SCENARIO_DEFAULTS,
  type Scenario,
  type ScenarioEvent,
  SPANS,
} from './scenario.ts'
import { BANDWIDTH, PERCENT, SIZE, TIME } from './units.ts'

export const MAX_SCENARIO_BYTES = 64 * 1024
const MAX_NODES = 100_000
const MAX_CHUNKS = 10_000_000
const MAX_CHUNK = 4 * 1024 * 1024
const MAX_RUN_MS = 366 * 86_400_000
const MAX_EVENTS = 1000
/** An ordered list of settings: a second line with the same word is a mistake, but for lists. */
const LISTS = new Set(['at', 'from', 'expect', 'liars'])

type Draft = { -readonly [Name in keyof Scenario]: Scenario[Name] }
type Setting = (words: LineReader, draft: Draft) => void
interface Line {
  readonly name: string
  readonly words: LineReader
}

const SETTINGS: Readonly<Record<string, Setting>> = {
  nodes: (words, draft) => (draft.nodes = words.number('nodes', { min: 1, max: MAX_NODES, whole: true })),
  chunks: (words, draft) => {
    const count = words.number('chunks', { max: MAX_CHUNKS, whole: true })
    const bytes = words.take('of')
      ? words.quantity('the size of a chunk', SIZE, { min: 16, max: MAX_CHUNK })
      : draft.chunks.bytes
    const by = words.atEnd ? draft.chunks.by : words.oneOf(['placed', 'put'], 'how chunks come in')
    draft.chunks = { count, bytes, by }
  },
  run: (words, draft) => (draft.runMs = words.quantity('run', TIME, { min: 1000, max: MAX_RUN_MS })),
  seed: (words, draft) => (draft.seed = words.number('seed', { max: 2 ** 32 - 1, whole: true })),
  sample: (words, draft) => (draft.sampleMs = words.quantity('sample', TIME, { min: 1000 })),
  store: (words, draft) => (draft.store = words.oneOf(['disk', 'memory'], 'store')),
  loss: (words, draft) => (draft.loss = words.quantity('loss', PERCENT, { max: 0.5 })),
  latency: (words, draft) => {
    if (!words.take('regions')) draft.latencyMs = words.quantity('latency', TIME, { max: 10_000 })
  },
  bandwidth: (words, draft) => (draft.bandwidth = words.quantity('bandwidth', BANDWIDTH, { min: 1000 })),
  liars: (words, draft) => {
    const share = words.quantity('liars', PERCENT, { max: 1 })
    if (words.atEnd) draft.liars = [...draft.liars, ...LIES.map((lie) => ({ share: share / LIES.length, lie }))]
    else draft.liars = [...draft.liars, { share, lie: words.oneOf(LIES, 'what a liar does') }]
    if (draft.liars.reduce((sum, liars) => sum + liars.share, 0) > 1) words.fail('more than 100 % of the nodes lie')
  },
  full: (words, draft) => (draft.full = words.quantity('full', PERCENT, { max: 1 })),
  scrub: (words, draft) => {
    words.expect('every')
    draft.scrubMs = words.quantity('scrub', TIME, { min: 1000 })
  },
  gets: perMinute('gets'),
  puts: perMinute('puts'),
  lookups: perMinute('lookups'),
  stop: (words, draft) => {
    for (const word of ['when', 'lost']) words.expect(word)
    draft.stopWhenLost = true
  },
  at: (words, draft) => {
    const at = words.quantity('the time', TIME)
    const kind = words.oneOf(MOMENTS, 'what happens at a time')
    const all = kind === 'restart' && (words.atEnd || words.take('all'))
    addEvent(words, draft, {
      kind,
      at,
      amount: all ? { kind: 'share', share: 1 } : words.amount(`how many to ${kind}`),
    })
    words.take('nodes')
    words.take('copies')
  },
  from: (words, draft) => {
    const from = words.quantity('the beginning', TIME)
    words.expect('to')
    const to = words.quantity('the end', TIME)
    if (to <= from) words.fail('the end is not after the beginning')
    const kind = words.oneOf(SPANS, 'what goes on for a time')
    const share = words.quantity(kind, PERCENT, { max: kind === 'churn' ? 1000 : 1 })
    if (kind === 'churn') for (const word of ['per', 'hour']) words.expect(word)
    const fault = kind === 'disks' ? { fault: words.oneOf(DISK_FAULTS, 'the fault of disks') } : {}
    addEvent(words, draft, { kind, from, to, share, ...fault })
  },
  expect: (words, draft) => {
    draft.expectations = [...draft.expectations, expectation(words)]
  },
}

function perMinute(what: 'gets' | 'puts' | 'lookups'): Setting {
  return (words, draft) => {
    draft[what] = words.number(what, { max: 10_000 })
    for (const word of ['per', 'min']) words.expect(word)
  }
}

function addEvent(words: LineReader, draft: Draft, event: ScenarioEvent): void {
  if (draft.events.length >= MAX_EVENTS) words.fail(`a scenario has at most ${MAX_EVENTS} events`)
  draft.events = [...draft.events, event]
}

function expectation(words: LineReader): Expectation {
  const measure = words.oneOf(MEASURES, 'what is expected')
  const sign = words.oneOf(['>=', '<=', '='], 'the comparison')
  const number = words.number('the value')
  const share = measure === 'gets' || measure === 'puts' || measure === 'lookups'
  if (share) words.expect('%')
  const value = share ? Number((number / 100).toPrecision(12)) : number
  if (words.atEnd) return { measure, sign, value, when: { kind: 'end' } }
  if (words.take('at')) {
    words.expect('end')
    return { measure, sign, value, when: { kind: 'end' } }
  }
  if (share) words.fail(`${measure} are counted over the whole run: "within" says nothing about them`)
  words.expect('within')
  const withinMs = words.quantity('the time', TIME, { min: 1000 })
  words.expect('of')
  return { measure, sign, value, when: { kind: 'within', withinMs, of: words.quantity('the time', TIME) } }
}

/** Throws SCENARIO_FILE with the number of the line. */
export function parseScenario(text: string): Scenario {
  if (text.length > MAX_SCENARIO_BYTES) throw new ScenarioError('SCENARIO_FILE', 'the file is too long for a scenario')
  const draft: Draft = { ...SCENARIO_DEFAULTS }
  const lines: Line[] = []
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    const words = new LineReader(line, index + 1)
    if (words.empty) continue
    const name = words.word('a word')
    if (!Object.hasOwn(SETTINGS, name))
      words.fail(`a line begins with ${Object.keys(SETTINGS).join(', ')}, not "${name.slice(0, 40)}"`)
    const before = lines.find((line) => line.name === name)
    if (before && !LISTS.has(name)) words.fail(`"${name}" stands in line ${before.words.line} already`)
    ;(SETTINGS[name] as Setting)(words, draft)
    words.end()
    lines.push({ name, words })
  }
  check(draft, lines)
  return draft
}

/** What only the whole file tells. */
function check(draft: Draft, lines: readonly Line[]): void {
  const complain = (line: Line | undefined, objection: string | undefined) => {
    if (objection !== undefined) line?.words.fail(objection)
  }
  const events = lines.filter(({ name }) => name === 'at' || name === 'from')
  for (const [i, event] of draft.events.entries()) complain(events[i], objectionToEvent(event, draft))
  const expected = lines.filter(({ name }) => name === 'expect')
  for (const [i, one] of draft.expectations.entries()) complain(expected[i], objectionToExpectation(one, draft))
  const rate = objectionToRates(draft)
  if (rate)
    complain(lines.find(({ name }) => name === rate.setting) ?? lines.find(({ name }) => name === 'run'), rate.text)
}
