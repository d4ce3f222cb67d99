/** `myrmex devnet chaos`: a local network that is torn at while a client uses it, and a verdict. */
import { mkdtemp, rmdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { systemRandom } from '../../base/index.ts'
import { LEAST_NODES, runChaos, verdictTable } from '../../devnet/index.ts'
import { defineCommand } from '../command.ts'
import { EXIT } from '../exit-codes.ts'
import { Outputs } from '../outputs.ts'
import { PROFILE_FLAGS, profileOf } from '../profile-flags.ts'
import { selfProgram } from '../self-program.ts'
import { JSON_FLAG, LOG_LEVEL_FLAG, OVERWRITE_FLAG } from '../shared-flags.ts'

const NODES = 10
const MINUTES = 10
const CHURN = 30
const EVERY_SECS = 15
const SETTLE_SECS = 120
/** Chosen so that a person can type it again. */
const SEEDS = 1_000_000

export const devnetChaos = defineCommand({
  name: 'devnet chaos',
  summary: 'tear at a local network while a client uses it: what was confirmed must come back',
  usage: '',
  positionals: { min: 0, max: 0 },
  flags: {
    data: { type: 'path', help: 'folder of the network, empty (default: a temporary one)', placeholder: 'DIR' },
    minutes: { type: 'integer', min: 1, max: 100_000, help: `how long (default ${MINUTES})` },
    nodes: { type: 'integer', min: LEAST_NODES, max: 100, help: `how many nodes (default ${NODES})` },
    churn: {
      type: 'integer',
      min: 0,
      max: 1000,
      help: `per cent of the nodes that are replaced for ever each hour (default ${CHURN})`,
      placeholder: 'PCT',
    },
    every: {
      type: 'integer',
      min: 1,
      max: 3600,
      help: `mean seconds between two upheavals (default ${EVERY_SECS})`,
      placeholder: 'SECS',
    },
    settle: {
      type: 'integer',
      min: 0,
      max: 86_400,
      help: `seconds that chunks get in the end to have all their copies back (default ${SETTLE_SECS})`,
      placeholder: 'SECS',
    },
    seed: { type: 'integer', min: 0, max: 2 ** 31, help: 'the same seed makes the same plan (default: any)' },
    keep: { type: 'boolean', help: 'keep folders and logs of the nodes' },
    report: { type: 'path', help: 'write the verdict as JSON here too', placeholder: 'FILE' },
    overwrite: OVERWRITE_FLAG,
    'log-level': LOG_LEVEL_FLAG,
    ...PROFILE_FLAGS,
    json: JSON_FLAG,
  },
  async run({ values, signal, output }) {
    profileOf(values)
    const outputs = new Outputs(values.overwrite, output)
    await outputs.check({ '--report': values.report }, [])
    const made = values.data === undefined ? await mkdtemp(join(tmpdir(), 'myrmex-chaos-')) : undefined
    const total = values.nodes ?? NODES
    try {
      const verdict = await runChaos(
        {
          nodes: total,
          dataDir: made ?? resolve(values.data as string),
          keep: values.keep,
          minutes: values.minutes ?? MINUTES,
          churn: values.churn ?? CHURN,
          seed: values.seed ?? systemRandom.uint32() % SEEDS,
          everyMs: (values.every ?? EVERY_SECS) * 1000,
          settleMs: (values.settle ?? SETTLE_SECS) * 1000,
          logLevel: values['log-level'] ?? 'info',
          program: selfProgram(),
          profile: { profile: values.profile, set: values.set },
          onProgress: (done) => output.bar('starting', done, total, 'nodes'),
          onNote: (text) => output.note(text),
        },
        signal,
      )
      output.result(verdict)
      output.print(verdictTable(verdict))
      if (values.report !== undefined) await outputs.save(values.report, `${JSON.stringify(verdict, undefined, 2)}\n`)
      if (!verdict.ok || outputs.failed) return EXIT.failure
      return verdict.interrupted ? EXIT.interrupted : EXIT.success
    } finally {
      // Empty, unless it was to be kept.
      if (made !== undefined) await rmdir(made).catch(() => undefined)
    }
  },
})
