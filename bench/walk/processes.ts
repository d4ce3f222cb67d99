/** Memory of node processes, as the kernel of Linux tells it. Elsewhere there are no figures. */
import { readFile, writeFile } from 'node:fs/promises'

/** MiB of each process now (`VmRSS`), or at its highest since the last reset (`VmHWM`). Those that are gone are left out. */
export async function memoryOf(pids: readonly number[], field: 'VmRSS' | 'VmHWM'): Promise<number[]> {
  const found = await Promise.all(
    pids.map(async (pid) => {
      const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '')
      const kib = new RegExp(`${field}:\\s+(\\d+)`).exec(status)?.[1]
      return kib === undefined ? [] : [Number(kib) / 1024]
    }),
  )
  return found.flat()
}

/** Forgets the highest figures (proc_pid_clear_refs(5)). */
export async function resetPeaks(pids: readonly number[]): Promise<void> {
  await Promise.all(pids.map((pid) => writeFile(`/proc/${pid}/clear_refs`, '5').catch(() => undefined)))
}
