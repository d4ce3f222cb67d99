/** `myrmex bench`: what this machine can do, for who thinks about running nodes on it. */
import { rm } from 'node:fs/promises'
import { systemClock } from '../../base/index.ts'
import { backendReport } from '../../crypto/index.ts'
import { coresOf, memoryOf } from '../../machine/index.ts'
import { networkDriver, platformDataDir } from '../../node/index.ts'
import { type Capacity, capacityOf, type Figure, type Figures, isUnsteady, round, verdictOf } from '../bench/judge.ts'
import { freeBytes, measureDisk, measureFiles, measureSignatures, ownFolder, type Round } from '../bench/local.ts'
import { measureNodes, type NodeFigures } from '../bench/network.ts'
import { defineCommand } from '../command.ts'
import { EXIT } from '../exit-codes.ts'
import { formatMs, type Output } from '../output.ts'
import { PROFILE_FLAGS, profileOf } from '../profile-flags.ts'
import { JSON_FLAG } from '../shared-flags.ts'

/** Seconds of each part; two minutes together with what starting and stopping takes. */
const FULL = { files: 25, signatures: 6, disk: 15, idle: 25, put: 15, get: 15 } as const
const QUICK = { files: 5, signatures: 1.5, disk: 3, idle: 6, put: 3, get: 3 } as const
const MB = 1_000_000

export const bench = defineCommand({
  name: 'bench',
  summary: 'measure for two minutes what this machine can do, and how many nodes it can carry',
  usage: '',
  positionals: { min: 0, max: 0 },
  flags: {
    quick: { type: 'boolean', help: 'half a minute, less exact' },
    'root-dir': {
      type: 'path',
      env: 'ANT_ROOT_DIR',
      help: "a folder on the disk that nodes would use (default: the platform's data folder)",
      placeholder: 'DIR',
    },
    ...PROFILE_FLAGS,
    json: JSON_FLAG,
  },
  async run({ values, signal, output }) {
    const profile = profileOf(values)
    const began = systemClock.monotonic()
    const seconds = values.quick ? QUICK : FULL
    const part = (name: keyof typeof FULL, label: string): Round => ({
      ...{ signal, ms: seconds[name] * 1000 },
      onRound: (done, total) => output.bar(label, done, total, 'rounds'),
    })
    output.note(
      `This takes about ${values.quick ? 'half a minute' : 'two minutes'}; other work on the machine lowers the figures.`,
    )
    const memory = memoryOf(profile.facts).value
    const folder = values['root-dir'] ?? platformDataDir('ant')
    const { tuning } = profile

    // Sealed and plain copies are in memory at once: a sixteenth of it, 128 MB at most.
    const fileBytes = Math.max(12 * MB, Math.min(values.quick ? 32 * MB : 128 * MB, Math.floor(memory / 16)))
    const files = await measureFiles(part('files', 'encrypting'), tuning, fileBytes)
    const signatures = await measureSignatures(part('signatures', 'signing'))
    const { diskSync, folder: disk } = await measureDisk(part('disk', 'disk'), folder)
    const rounds = { idle: part('idle', 'idle nodes'), put: part('put', 'storing'), get: part('get', 'serving') }
    const nodes = await nodesOrReason(signal, folder, (own) => measureNodes(rounds, tuning, own))

    const figures: Figures = { ...files, ...signatures, diskSync, ...nodes }
    const machine = { memoryBytes: memory, cores: coresOf(profile.facts), freeDiskBytes: await freeBytes(disk) }
    const capacity = capacityOf(figures, machine)
    const verdict = verdictOf(figures, capacity)
    output.clearBar()
    const elapsedMs = Math.round(systemClock.monotonic() - began)
    output.result({
      ...{ verdict, capacity, figures, machine, disk, quick: values.quick, elapsed_ms: elapsedMs },
      ...{ profile: profile.choice.name, backend: backendReport().name ?? null },
    })
    print(output, figures, capacity)
    output.print(`\n${verdict}`)
    output.note(
      `Measured in ${formatMs(elapsedMs)} with the profile ${profile.choice.name}; the disk is that of ${disk}.`,
    )
    return EXIT.success
  },
})

/** Without QUIC there are no nodes: the rest is still worth knowing. */
async function nodesOrReason(
  signal: AbortSignal,
  folder: string,
  measure: (own: string) => Promise<NodeFigures>,
): Promise<NodeFigures> {
  const driver = networkDriver()
  if (!driver.available) {
    const unknown: Figure = { kind: 'unknown', reason: `nodes were not tried: ${driver.detail}` }
    return { stored: unknown, served: unknown, idleBytes: unknown, idleCpu: unknown, burstBytes: unknown }
  }
  signal.throwIfAborted()
  const { path } = await ownFolder(folder)
  try {
    return await measure(path)
  } finally {
    await rm(path, { recursive: true, force: true, maxRetries: 3 })
  }
}

function print(output: Output, figures: Figures, capacity: Capacity): void {
  const line = (name: string, figure: Figure, unit: string, meaning: string, scale = 1) => {
    const text =
      figure.kind === 'unknown'
        ? `not measured (${figure.reason})`
        : `${round(figure.value / scale)} ${unit}  ${meaning}${isUnsteady(figure) ? ` [unsteady: ${round(figure.low / scale)} to ${round(figure.high / scale)}]` : ''}`
    output.print(`${name.padEnd(12)} ${text}`)
  }
  line('encrypt', figures.encrypt, 'MB/s', 'a file becomes sealed chunks this fast')
  line('decrypt', figures.decrypt, 'MB/s', 'and chunks a file again')
  line('sign', figures.sign, 'per s', 'every message a node sends takes one')
  line('verify', figures.verify, 'per s', 'and every message it receives one')
  line('disk', figures.diskSync, 'chunks/s', 'of 4 MiB written for good')
  line('store', figures.stored, 'copies/s', 'of 4 MiB chunks taken in by four nodes here, client included')
  line('serve', figures.served, 'chunks/s', 'given out by them')
  line('idle node', figures.idleBytes, 'MiB', 'of memory for a node that waits, beside others', MB_BINARY)
  line('', figures.idleCpu, '%', 'of one core', 0.01)
  line('busy node', figures.burstBytes, 'MiB', 'more, at most, while it was storing and serving', MB_BINARY)
  if (capacity.arithmetic.length > 0) output.print('\nHow many nodes:')
  for (const text of capacity.arithmetic) output.print(`  ${text}`)
}

const MB_BINARY = 1024 * 1024
