import { readdir, readFile } from 'node:fs/promises'

/** Processes whose command line names a folder below `data`. Linux only: elsewhere none are seen. */
export async function processesOf(data: string): Promise<number[]> {
  const pids = (await readdir('/proc').catch(() => [])).filter((name) => /^\d+$/.test(name))
  const lines = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')))
  return pids.flatMap((pid, i) => (lines[i]?.includes(`${data}/nodes/`) ? [Number(pid)] : []))
}
