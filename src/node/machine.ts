/** What this machine offers a node: for `myrmex doctor` and bug reports. */
import { createSocket } from 'node:dgram'
import { readFile, statfs } from 'node:fs/promises'
import { availableParallelism, cpus, release, totalmem, type } from 'node:os'
import { messageOf } from '../base/index.ts'
import { type BackendReport, backendReport } from '../crypto/index.ts'
import { quicAvailability } from '../transport/index.ts'
import { platformDataDir } from './data-dir.ts'
import { VERSION } from './version.ts'

export interface MachineReport {
  readonly myrmex: string
  readonly runtime: { readonly node: string; readonly path: string; readonly platform: string; readonly kernel: string }
  readonly crypto: BackendReport
  readonly quic: { readonly available: boolean; readonly detail: string }
  readonly cpu: { readonly model: string; readonly cores: number; readonly features: readonly string[] }
  readonly memory_bytes: number
  readonly disk: { readonly folder: string; readonly free_bytes: number | null; readonly detail: string }
  readonly ports: readonly { readonly address: string; readonly usable: boolean; readonly detail: string }[]
}

/** Instruction sets that the kernels look for. */
const FEATURES = ['sse4_1', 'avx2', 'avx512f', 'avx512vl', 'aes', 'vaes', 'sha_ni', 'bmi2', 'asimd', 'sha2', 'sha3']

/** Whether this machine can take part in a network; the detail names the engine, or what is missing. */
export function networkDriver(): MachineReport['quic'] {
  const quic = quicAvailability()
  return { available: quic.available, detail: quic.available ? quic.engine : quic.reason }
}

export async function inspectMachine(options: { folder?: string; port?: number } = {}): Promise<MachineReport> {
  const port = options.port ?? 0
  return {
    myrmex: VERSION,
    runtime: {
      node: process.version,
      path: process.execPath,
      platform: `${process.platform}-${process.arch}`,
      kernel: `${type()} ${release()}`,
    },
    crypto: backendReport(),
    quic: networkDriver(),
    cpu: { model: cpus()[0]?.model ?? 'unknown', cores: availableParallelism(), features: await cpuFeatures() },
    memory_bytes: totalmem(),
    disk: await disk(options.folder ?? platformDataDir('ant')),
    ports: [await probePort('udp4', '0.0.0.0', port), await probePort('udp6', '::', port)],
  }
}

async function cpuFeatures(): Promise<string[]> {
  const text = await readFile('/proc/cpuinfo', 'utf8').catch(() => '')
  const flags = new Set(/^(?:flags|Features)\s*:\s*(.*)$/m.exec(text)?.[1]?.split(' '))
  return FEATURES.filter((feature) => flags.has(feature))
}

/** The folder, or the nearest one above it that exists. */
async function disk(folder: string): Promise<MachineReport['disk']> {
  for (let path = folder; ; path = path.slice(0, Math.max(1, path.lastIndexOf('/')))) {
    try {
      const { bavail, bsize } = await statfs(path)
      return { folder, free_bytes: bavail * bsize, detail: `free space of the disk of ${path}` }
    } catch (error) {
      if (path === '/' || !path.includes('/')) return { folder, free_bytes: null, detail: messageOf(error) }
    }
  }
}

function probePort(kind: 'udp4' | 'udp6', ip: string, port: number): Promise<MachineReport['ports'][number]> {
  return new Promise((resolve) => {
    const socket = createSocket({ type: kind, ipv6Only: kind === 'udp6' })
    const address = `${kind} ${port === 0 ? 'any port' : `port ${port}`}`
    socket.once('error', (error) => {
      socket.close()
      resolve({ address, usable: false, detail: error.message })
    })
    socket.bind({ address: ip, port, exclusive: true }, () => {
      const bound = socket.address().port
      socket.close(() => resolve({ address, usable: true, detail: `bound ${bound}` }))
    })
  })
}
