/** A file onto ten node processes and back, through clients of this process: what a user waits for. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { never, systemClock, systemRandom } from '../../src/base/index.ts'
import { startDevnet } from '../../src/devnet/index.ts'
import { createClientNode } from '../../src/node/index.ts'
import { parseMultiaddr } from '../../src/protocol/index.ts'
import { quicAvailability } from '../../src/transport/index.ts'
import { rowOf } from '../measure.ts'
import type { Shelf } from '../run.ts'

const bench: Shelf = async function* ({ level }) {
  if (!quicAvailability().available) return
  const [nodes, sizes, rounds] =
    level === 'smoke'
      ? [5, [1_000_000], 1]
      : level === 'quick'
        ? [10, [10_000_000], 2]
        : [10, [1_000_000, 100_000_000], 3]
  const work = await mkdtemp(join(tmpdir(), 'myrmex-bench-'))
  const program = [process.execPath, join(import.meta.dirname, '../../src/cli/main.ts')]
  const began = performance.now()
  const network = await startDevnet(
    { nodes, dataDir: join(work, 'net'), inProcess: false, detached: false, keep: false, logLevel: 'warn', program },
    never,
  )
  try {
    yield rowOf(`start of ${nodes} nodes to first put`, 'ms', [['myrmex', [performance.now() - began]]])
    const rss = () =>
      Promise.all(
        network.nodes.map(
          async ({ pid }) =>
            Number(/VmRSS:\s+(\d+)/.exec(await readFile(`/proc/${pid}/status`, 'utf8').catch(() => ''))?.[1] ?? 0) /
            1024,
        ),
      )
    await systemClock.sleep(level === 'smoke' ? 100 : 10_000, never)
    yield rowOf('node RSS idle', 'MiB', [['myrmex', await rss()]])
    const seeds = network.nodes.slice(0, 3).map(({ address }) => parseMultiaddr(address))
    for (const size of sizes) {
      const [up, down]: [number[], number[]] = [[], []]
      for (let round = 0; round < rounds; round++) {
        const source = join(work, 'source')
        await writeFile(source, systemRandom.bytes(size))
        const address = await timed(
          seeds,
          up,
          size,
          async (client) => (await client.uploadFile(source, { public: true })).address as string,
        )
        await timed(seeds, down, size, (client) => client.downloadTo(address, join(work, `copy-${size}-${round}`)))
      }
      yield rowOf(`put ${size / 1e6} MB, ${nodes} nodes`, 'MB/s', [['myrmex', up]])
      yield rowOf(`get ${size / 1e6} MB, ${nodes} nodes`, 'MB/s', [['myrmex', down]])
    }
    yield rowOf('node RSS after load', 'MiB', [['myrmex', await rss()]])
  } finally {
    await network.stop()
    await rm(work, { recursive: true, force: true })
  }
}
export default bench

/** One piece of work through a fresh client, connecting left out; MB/s are noted. */
async function timed<T>(
  seeds: Parameters<typeof createClientNode>[0]['seeds'],
  samples: number[],
  size: number,
  work: (client: Awaited<ReturnType<typeof createClientNode>>['client']) => Promise<T>,
): Promise<T> {
  const node = await createClientNode({ seeds, allowLoopback: true, clock: systemClock })
  await node.start(never)
  try {
    const began = performance.now()
    const result = await work(node.client)
    samples.push(size / 1e6 / ((performance.now() - began) / 1000))
    return result
  } finally {
    await node.stop()
  }
}
