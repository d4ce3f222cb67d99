/** What a figure is worth nothing without. */
import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { availableParallelism, cpus, loadavg, release, totalmem, type } from 'node:os'
import { backend } from '../src/crypto/index.ts'

export function machineFacts(): Record<string, unknown> {
  const governor = '/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor'
  const run = (program: string, args: string[]) => {
    try {
      return execFileSync(program, args, { stdio: ['ignore', 'pipe', 'ignore'] })
        .toString()
        .trim()
    } catch {
      return null
    }
  }
  return {
    cpu: cpus()[0]?.model ?? null,
    cores: availableParallelism(),
    governor: existsSync(governor) ? readFileSync(governor, 'utf8').trim() : null,
    memory_bytes: totalmem(),
    kernel: `${type()} ${release()}`,
    node: process.version,
    backend: backend().name,
    revision: run('git', ['rev-parse', '--short', 'HEAD']),
    load: loadavg().map((value) => Number(value.toFixed(2))),
  }
}
