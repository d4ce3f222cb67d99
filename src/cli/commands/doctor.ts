/** `myrmex doctor`: what this machine offers, and what is missing. */
import { coresOf, memoryOf, show } from '../../machine/index.ts'
import { inspectMachine, type Profile } from '../../node/index.ts'
import { defineCommand } from '../command.ts'
import { EXIT } from '../exit-codes.ts'
import { formatBytes, type Output } from '../output.ts'
import { PROFILE_FLAGS, profileOf } from '../profile-flags.ts'
import { JSON_FLAG } from '../shared-flags.ts'

export const doctor = defineCommand({
  name: 'doctor',
  summary: 'show runtime, backend of every kernel, QUIC driver, CPU features, disk, ports and the chosen profile',
  usage: '',
  positionals: { min: 0, max: 0 },
  flags: {
    'root-dir': { type: 'path', env: 'ANT_ROOT_DIR', help: 'folder whose disk is looked at', placeholder: 'DIR' },
    port: { type: 'integer', short: 'p', env: 'ANT_PORT', min: 0, max: 65535, help: 'UDP port to try' },
    ...PROFILE_FLAGS,
    json: JSON_FLAG,
  },
  async run({ values, output }) {
    const profile = profileOf(values)
    const report = await inspectMachine({
      ...(values['root-dir'] === undefined ? {} : { folder: values['root-dir'] }),
      ...(values.port === undefined ? {} : { port: values.port }),
    })
    output.result({ ...report, profile: profileReport(profile) })
    const line = (name: string, text: string) => output.print(`${name.padEnd(10)} ${text}`)
    const { crypto } = report
    line('myrmex', report.myrmex)
    line('runtime', `Node ${report.runtime.node} (${report.runtime.platform}, ${report.runtime.kernel})`)
    const origin = crypto.addon === undefined ? '' : ` (${crypto.addon.origin})`
    line('backend', `${crypto.name ?? 'none'}${origin}${crypto.forced ? ' (forced by MYRMEX_BACKEND)' : ''}`)
    for (const [kernel, name] of Object.entries(crypto.kernels)) line('', `${kernel.padEnd(18)} ${name}`)
    for (const [name, reason] of Object.entries(crypto.refused)) line('', `not ${name}: ${reason}`)
    line('quic', `${report.quic.available ? 'native' : 'not available'}: ${report.quic.detail}`)
    line(
      'cpu',
      `${report.cpu.model}, ${report.cpu.cores} cores, ${report.cpu.features.join(' ') || 'no known features'}`,
    )
    line('memory', formatBytes(report.memory_bytes))
    line(
      'disk',
      `${report.disk.free_bytes === null ? 'unknown' : `${formatBytes(report.disk.free_bytes)} free`} for ${report.disk.folder}`,
    )
    for (const port of report.ports)
      line('port', `${port.address}: ${port.usable ? 'ok' : 'not usable'} (${port.detail})`)
    printProfile(profile, output)
    return crypto.name === undefined ? EXIT.failure : EXIT.success
  },
})

function profileReport({ choice, facts, settings, warnings }: Profile): Record<string, unknown> {
  const { cgroup } = facts
  return {
    name: choice.name,
    asked: choice.asked,
    reason: choice.reason,
    warnings,
    detected: {
      memory_bytes: facts.memoryBytes,
      usable_memory_bytes: memoryOf(facts).value,
      cores: facts.cores,
      usable_cores: coresOf(facts),
      board: facts.board ?? null,
      open_files: facts.openFiles ?? null,
      address_space_bytes: facts.addressSpaceBytes ?? null,
      cgroup: {
        version: cgroup.version,
        memory: cgroup.memory ?? null,
        cpu_quota: cgroup.quota ?? null,
        processors: cgroup.processors ?? null,
      },
    },
    settings,
  }
}

function printProfile({ choice, facts, settings, warnings }: Profile, output: Output): void {
  const line = (name: string, text: string) => output.print(`${name.padEnd(10)} ${text}`)
  const { cgroup } = facts
  const limits = [
    cgroup.memory && `${formatBytes(cgroup.memory.value)} of memory (${cgroup.memory.file})`,
    cgroup.quota && `${cgroup.quota.value.toFixed(2)} cores (${cgroup.quota.file})`,
    cgroup.processors && `${cgroup.processors.value} processors (${cgroup.processors.file})`,
  ].filter(Boolean)
  line('cgroup', `${cgroup.version}${limits.length === 0 ? ', no limit' : `: ${limits.join(', ')}`}`)
  if (facts.board !== undefined) line('board', facts.board)
  line(
    'limits',
    `open files ${facts.openFiles ?? 'not limited'}, addresses ${facts.addressSpaceBytes === undefined ? 'not limited' : formatBytes(facts.addressSpaceBytes)}`,
  )
  const own = choice.asked === 'auto' ? '; --profile tiny, small or server sets another' : ''
  line('profile', `${choice.name}: ${choice.reason}${own}`)
  for (const warning of warnings) line('', `warning: ${warning}`)
  const width = Math.max(...Object.keys(settings).map((key) => key.length))
  for (const [key, { value, unit, from, reason }] of Object.entries(settings)) {
    const mark = from === 'profile' ? ' ' : from === 'machine' ? '*' : '='
    line(
      '',
      `${key.padEnd(width)} ${(value === 0 && unit !== 'ms' ? 'system' : show(value, unit)).padStart(9)} ${mark} ${reason}`,
    )
  }
  line('', '(* from the machine, = set alone; change one with --set KEY=VALUE or MYRMEX_SET)')
}
