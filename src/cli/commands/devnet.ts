/** `myrmex devnet start|status|stop`: a local network of real nodes. */
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { devnetStatus, startDevnet, stopDevnet } from '../../devnet/index.ts'
import { platformDataDir } from '../../node/index.ts'
import { UsageError } from '../args.ts'
import { defineCommand } from '../command.ts'
import { EXIT } from '../exit-codes.ts'
import { PROFILE_FLAGS, profileOf } from '../profile-flags.ts'
import { selfProgram } from '../self-program.ts'
import { LOG_LEVEL_FLAG } from '../shared-flags.ts'
import { untilAborted } from '../until-aborted.ts'

const DATA_FLAG = {
  type: 'path',
  help: "folder of the network (default: the platform's data folder)",
  placeholder: 'DIR',
} as const
const JSON_FLAG = { type: 'boolean', help: 'one JSON object on stdout' } as const

function dataDir(given: string | undefined): string {
  return resolve(given ?? join(platformDataDir('myrmex') || tmpdir(), 'devnet'))
}

export const devnetStart = defineCommand({
  name: 'devnet start',
  summary: 'start a local network and keep it until Ctrl-C (or leave it running with --detach)',
  usage: '',
  positionals: { min: 0, max: 0 },
  flags: {
    nodes: { type: 'integer', min: 1, max: 200, help: 'how many nodes (default 8)' },
    'in-process': { type: 'boolean', help: 'all nodes in this process instead of one process each' },
    data: DATA_FLAG,
    detach: { type: 'boolean', help: 'return when the network accepts a put; stop it with: myrmex devnet stop' },
    keep: { type: 'boolean', help: 'keep identities and chunks when the network stops, now and later' },
    'log-level': LOG_LEVEL_FLAG,
    ...PROFILE_FLAGS,
    json: JSON_FLAG,
  },
  async run({ values, signal, output }) {
    if (values.detach && values['in-process'])
      throw new UsageError('--detach needs processes of their own: leave out --in-process')
    profileOf(values)
    const total = values.nodes ?? 8
    const network = await startDevnet(
      {
        nodes: total,
        dataDir: dataDir(values.data),
        inProcess: values['in-process'],
        detached: values.detach,
        keep: values.keep,
        logLevel: values['log-level'] ?? 'info',
        program: selfProgram(),
        profile: { profile: values.profile, set: values.set },
        onProgress: (done) => output.bar('starting', done, total, 'nodes'),
      },
      signal,
    )
    output.result({ manifest: network.manifestPath, nodes: network.nodes })
    output.print(
      `${total} nodes are running.\nManifest: ${network.manifestPath}\nTry:      myrmex file upload PATH --public --devnet-manifest '${network.manifestPath}'`,
    )
    if (values.detach) {
      output.print(`Stop:     myrmex devnet stop --data '${network.folder.path}'`)
      return EXIT.success
    }
    output.print('Press Ctrl-C to stop.')
    await untilAborted(signal)
    await network.stop()
    output.note(network.kept ? `Stopped; kept in ${network.folder.path}` : 'Stopped and cleaned up.')
    return EXIT.success
  },
})

export const devnetStatusCommand = defineCommand({
  name: 'devnet status',
  summary: 'show the nodes of a local network',
  usage: '',
  positionals: { min: 0, max: 0 },
  flags: { data: DATA_FLAG, json: JSON_FLAG },
  async run({ values, output }) {
    const status = await devnetStatus(dataDir(values.data))
    output.result(status)
    output.print(`Manifest: ${status.manifest}`)
    for (const node of status.nodes)
      output.print(
        `${String(node.index).padStart(3)}  ${node.running ? `pid ${node.pid}` : 'stopped'}  ${node.address}`,
      )
    return EXIT.success
  },
})

export const devnetStop = defineCommand({
  name: 'devnet stop',
  summary: 'stop a local network and remove its data (unless it was started with --keep)',
  usage: '',
  positionals: { min: 0, max: 0 },
  flags: {
    data: DATA_FLAG,
    wipe: { type: 'boolean', help: 'remove data that were to be kept too' },
    json: JSON_FLAG,
  },
  async run({ values, output }) {
    const result = await stopDevnet(dataDir(values.data), { wipe: values.wipe })
    output.result(result)
    output.print(`Stopped ${result.stopped} nodes${result.kept ? '; their data are kept' : ' and removed their data'}.`)
    return EXIT.success
  },
})
