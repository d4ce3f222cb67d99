/** `myrmex node run`: one storage node until SIGINT or SIGTERM. Flags and variables of the network's own node. */
import { Aborted, codeOf, LOG_LEVELS, type LogLevel, messageOf, systemClock } from '../../base/index.ts'
import {
  createLogOutput,
  createStorageNode,
  NETWORK_MODES,
  openRootDir,
  PAYMENT_MODES,
  RELEASE_WORD,
  readPassphrase,
  resolveNodeSettings,
} from '../../node/index.ts'
import { CliError } from '../args.ts'
import { defineCommand } from '../command.ts'
import { EXIT } from '../exit-codes.ts'
import { PROFILE_FLAGS, profileOf } from '../profile-flags.ts'
import { untilAborted } from '../until-aborted.ts'

export const nodeRun = defineCommand({
  name: 'node run',
  summary: 'run a storage node until Ctrl-C',
  usage: '',
  positionals: { min: 0, max: 0 },
  flags: {
    'root-dir': { type: 'path', env: 'ANT_ROOT_DIR', help: 'folder of identity and chunks', placeholder: 'DIR' },
    port: { type: 'integer', short: 'p', env: 'ANT_PORT', min: 0, max: 65535, help: 'UDP port (default: any)' },
    'ipv4-only': { type: 'boolean', env: 'ANT_IPV4_ONLY', help: 'do not use IPv6' },
    bootstrap: {
      type: 'list',
      short: 'b',
      env: 'ANT_BOOTSTRAP',
      help: 'node to join, IP:PORT; repeat for more',
      placeholder: 'IP:PORT',
    },
    'network-mode': {
      type: 'string',
      env: 'ANT_NETWORK_MODE',
      values: NETWORK_MODES,
      help: 'network to join (default production)',
    },
    payment: { type: 'string', values: PAYMENT_MODES, help: 'required (default), or free on local networks' },
    'rewards-address': {
      type: 'string',
      env: 'ANT_REWARDS_ADDRESS',
      help: 'where payments go, 0x and 40 hex digits',
      placeholder: '0x…',
    },
    'disk-reserve-mb': {
      type: 'integer',
      min: 0,
      max: 1_000_000_000,
      help: 'free space that is never used (default 500)',
    },
    'passphrase-file': { type: 'path', help: 'file with the passphrase of the identity (or MYRMEX_PASSPHRASE)' },
    'log-level': { type: 'string', env: 'RUST_LOG', values: LOG_LEVELS, help: 'how much is logged (default info)' },
    'log-format': {
      type: 'string',
      env: 'ANT_LOG_FORMAT',
      values: ['text', 'json'],
      help: 'form of the log lines (default text)',
    },
    'log-dir': {
      type: 'path',
      env: 'ANT_LOG_DIR',
      help: 'daily log files here instead of standard output',
      placeholder: 'DIR',
    },
    'log-max-files': {
      type: 'integer',
      env: 'ANT_LOG_MAX_FILES',
      min: 1,
      max: 10_000,
      help: 'how many daily files are kept (default 7)',
    },
    'until-stdin-closes': {
      type: 'boolean',
      hidden: true,
      help: 'stop when standard input ends: the life of a parent',
    },
    'developer-faults': {
      type: 'boolean',
      hidden: true,
      help: 'take cut links and a full disk from faults.json in the folder: tests of local networks',
    },
    // Accepted so that a script or manager of the network's own node can start ours; they have no effect yet.
    'enable-logging': { type: 'boolean', env: 'ANT_ENABLE_LOGGING', hidden: true, help: '' },
    'upgrade-channel': {
      type: 'string',
      env: 'ANT_UPGRADE_CHANNEL',
      values: ['stable', 'beta'],
      hidden: true,
      help: '',
    },
    'stop-on-upgrade': { type: 'boolean', hidden: true, help: '' },
    'cache-capacity': { type: 'integer', env: 'ANT_CACHE_CAPACITY', min: 1, max: 100_000_000, hidden: true, help: '' },
    'evm-network': {
      type: 'string',
      env: 'ANT_EVM_NETWORK',
      values: ['arbitrum-one', 'arbitrum-sepolia'],
      hidden: true,
      help: '',
    },
    'evm-rpc-url': { type: 'string', env: 'ANT_EVM_RPC_URL', hidden: true, help: '' },
    'evm-payment-token': { type: 'string', env: 'ANT_EVM_PAYMENT_TOKEN', hidden: true, help: '' },
    'evm-payment-vault': { type: 'string', env: 'ANT_EVM_PAYMENT_VAULT', hidden: true, help: '' },
    'metrics-port': {
      type: 'integer',
      env: 'ANT_METRICS_PORT',
      min: 0,
      max: 65535,
      help: 'health and metrics on 127.0.0.1:PORT (default: off)',
    },
    ...PROFILE_FLAGS,
    'disable-webrtc-direct': { type: 'boolean', env: 'ANT_DISABLE_WEBRTC_DIRECT', hidden: true, help: '' },
  },
  async run({ values, signal }) {
    const request = {
      mode: values['network-mode'],
      payment: values.payment,
      port: values.port,
      bootstrap: values.bootstrap,
      rewardsAddress: values['rewards-address'],
      diskReserveMb: values['disk-reserve-mb'],
      metricsPort: values['metrics-port'],
      developerFaults: values['developer-faults'],
    }
    const wanted = whileWanted(signal, values['until-stdin-closes'])
    // Everything is checked before the first file is made.
    resolveNodeSettings({ ...request, rootDir: '' })
    const profile = profileOf(values)
    const passphrase = await readPassphrase(values['passphrase-file'])
    const rootDir = await openRootDir(values['root-dir'])
    const logger = createLogOutput({
      level: (values['log-level'] ?? 'info') as LogLevel,
      format: values['log-format'] === 'json' ? 'json' : 'text',
      ...(values['log-dir'] === undefined ? {} : { folder: values['log-dir'] }),
      ...(values['log-max-files'] === undefined ? {} : { maxFiles: values['log-max-files'] }),
    })
    logger.child('node').info('profile chosen', { profile: profile.choice.name, reason: profile.choice.reason })
    for (const warning of profile.warnings) logger.child('node').warn(warning)
    const node = await createStorageNode({
      settings: resolveNodeSettings({ ...request, rootDir }),
      logger,
      clock: systemClock,
      tuning: profile.tuning,
      ...(passphrase === undefined ? {} : { passphrase }),
    })
    try {
      await node.start(wanted)
    } catch (error) {
      // Told to stop while it started: nothing failed.
      if (wanted.aborted) return EXIT.success
      throw withAdvice(error, rootDir)
    }
    await untilAborted(wanted)
    await node.stop()
    return EXIT.success
  },
})

/** What to do is known here: which flags there are. */
function withAdvice(error: unknown, rootDir: string): unknown {
  const code = codeOf(error)
  if (code === 'TRANSPORT_ADDRESS_IN_USE') return new CliError(`${messageOf(error)}: choose another with --port`)
  if (code === 'STORAGE_LOCKED')
    return new CliError(`${messageOf(error)}: stop it, or choose another folder than ${rootDir} with --root-dir`)
  return error
}

/** The signal, or also the end of standard input: the parent that holds it is gone without a word of release. */
function whileWanted(signal: AbortSignal, untilStdinCloses: boolean): AbortSignal {
  if (!untilStdinCloses) return signal
  const controller = new AbortController()
  let heard = ''
  const gone = () => {
    if (heard !== RELEASE_WORD) controller.abort(new Aborted('standard input has ended'))
  }
  process.stdin
    .setEncoding('utf8')
    .on('data', (text: string) => {
      heard = (heard + text).slice(0, RELEASE_WORD.length + 1)
    })
    .once('end', gone)
    .once('error', gone)
    .once('close', gone)
  return AbortSignal.any([signal, controller.signal])
}
