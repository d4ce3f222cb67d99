/** Memory and CPU of a process, from /proc (Linux). */
import { readdir, readFile, writeFile } from 'node:fs/promises'

const MIB = 1024

export async function rssMiB(pid: number): Promise<number> {
  return statusField(pid, 'VmRSS')
}

/** Since the start of the process or the last `resetPeak`. */
export async function peakRssMiB(pid: number): Promise<number> {
  return statusField(pid, 'VmHWM')
}

async function statusField(pid: number, name: string): Promise<number> {
  const text = await readFile(`/proc/${pid}/status`, 'utf8')
  const kilobytes = new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(text)?.[1]
  if (kilobytes === undefined) throw new Error(`/proc/${pid}/status has no ${name}`)
  return Number(kilobytes) / MIB
}

/** proc(5): 5 resets the peak resident set size. */
export async function resetPeak(pid: number): Promise<void> {
  await writeFile(`/proc/${pid}/clear_refs`, '5')
}

/** Milliseconds on a processor of all threads that live, to the microsecond (the ticks of /proc/PID/stat are 10 ms). */
export async function cpuMs(pid: number): Promise<number> {
  let nanoseconds = 0
  for (const thread of await readdir(`/proc/${pid}/task`)) {
    const text = await readFile(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').catch(() => '0')
    nanoseconds += Number(text.split(' ')[0])
  }
  return nanoseconds / 1e6
}

export const hasProc = process.platform === 'linux'
