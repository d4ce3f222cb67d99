/** A run in which something throws where nobody listens; prints how it ended. */
import { never } from '../../src/base/index.ts'
import { failsAs, failureOf, type RunEnd, simulate } from '../../src/cli/sim/simulate.ts'
import { parseScenario } from '../../src/scenario/index.ts'

const scenario = parseScenario('nodes 5\nchunks 5 placed\nrun 2 min\nsample 10 s\ngets 0 per min')
const crash =
  (text: string) =>
  ({ at }: { at: number }) => {
    if (at === 30_000) void Promise.reject(new Error(text))
  }
const first = await simulate(scenario, { signal: never, onSample: crash('peer deadbeefcafe sent 17 bytes') })
const again = await simulate(scenario, { signal: never, onSample: crash('peer 0123456789ab sent 4 bytes') })
const other = await simulate(scenario, { signal: never, onSample: crash('another thing') })
const sound = await simulate(scenario, { signal: never })
const broken = await simulate(scenario, {
  signal: never,
  onSample: () => {
    throw new Error('no figure')
  },
})
const failure = failureOf(first) ?? 'none'
const isUnheard = (end: RunEnd) => end.kind === 'crashed' && end.unheard
console.log(
  JSON.stringify([
    ...[failure, isUnheard(first), failsAs(again, failure), failsAs(other, failure)],
    ...[sound.kind, failureOf(sound) ?? null, failureOf(broken), isUnheard(broken)],
  ]),
)
