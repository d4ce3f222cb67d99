/** `myrmex doctor`: what this machine offers, and what is missing. */
import { inspectMachine } from '../../node/index.ts'
import { defineCommand } from '../command.ts'
import { EXIT } from '../exit-codes.ts'
import { formatBytes } from '../output.ts'
import { JSON_FLAG } from '../shared-flags.ts'

export const doctor = defineCommand({
  name: 'doctor',
  summary: 'show runtime, backend of every kernel, QUIC driver, CPU features, disk and ports',
  usage: '',
  positionals: { min: 0, max: 0 },
  flags: {
    'root-dir': { type: 'path', env: 'ANT_ROOT_DIR', help: 'folder whose disk is looked at', placeholder: 'DIR' },
    port: { type: 'integer', short: 'p', env: 'ANT_PORT', min: 0, max: 65535, help: 'UDP port to try' },
    json: JSON_FLAG,
  },
  async run({ values, output }) {
    const report = await inspectMachine({
      ...(values['root-dir'] === undefined ? {} : { folder: values['root-dir'] }),
      ...(values.port === undefined ? {} : { port: values.port }),
    })
    output.result(report)
    const line = (name: string, text: string) => output.print(`${name.padEnd(10)} ${text}`)
    const { crypto } = report
    line('myrmex', report.myrmex)
    line('runtime', `Node ${report.runtime.node} (${report.runtime.platform}, ${report.runtime.kernel})`)
    line('backend', `${crypto.name ?? 'none'}${crypto.forced ? ' (forced by MYRMEX_BACKEND)' : ''}`)
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
    return crypto.name === undefined ? EXIT.failure : EXIT.success
  },
})
