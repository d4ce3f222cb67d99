/** What node processes count, read from their metrics (Prometheus text format 0.0.4). */
import { readFile } from 'node:fs/promises'

/** Sum over all labels of one counter; 0 when it is not there. Pure. */
export function sumOf(text: string, name: string): number {
  let sum = 0
  for (const line of text.split('\n')) {
    const found = /^([a-z_]+)(?:\{[^}]*\})? (\S+)$/.exec(line)
    if (found?.[1] === name) sum += Number(found[2])
  }
  return sum
}

/** Of a node that was started by `workers/metered-node.mjs`. */
export async function metricsOf(rootDir: string, signal: AbortSignal): Promise<string> {
  const { port } = JSON.parse(await readFile(`${rootDir}.metrics.json`, 'utf8')) as { port: number }
  const answer = await fetch(`http://127.0.0.1:${port}/metrics`, { signal })
  if (!answer.ok) throw new Error(`the metrics of ${rootDir} answer ${answer.status}`)
  return answer.text()
}
