/** `myrmex decrypt DATAMAP --chunks DIR -o FILE`: chunks and a data map back to the file, without a network. */
import { readFile } from 'node:fs/promises'
import { basename, join, resolve } from 'node:path'
import { codeOf, systemClock, systemRandom } from '../../base/index.ts'
import { createLocalFiles } from '../../client/index.ts'
import { createPiscinaCompute } from '../../compute/index.ts'
import type { ChunkAddress } from '../../protocol/index.ts'
import { dataMapSize, decryptStream, parseDataMapFile, resolveRootMap } from '../../self-encryption/index.ts'
import { CliError } from '../args.ts'
import { defineCommand } from '../command.ts'
import { EXIT } from '../exit-codes.ts'
import { formatBytes } from '../output.ts'
import { JSON_FLAG, OVERWRITE_FLAG } from '../shared-flags.ts'

export const decrypt = defineCommand({
  name: 'decrypt',
  summary: 'put a file together again from its chunks and data map, without a network',
  usage: 'DATAMAP --chunks DIR -o FILE',
  positionals: { min: 1, max: 1 },
  flags: {
    chunks: { type: 'path', help: 'folder with the chunks (default: that of the data map)', placeholder: 'DIR' },
    out: {
      type: 'path',
      short: 'o',
      help: 'file to write (default: the name of the data map without .datamap)',
      placeholder: 'FILE',
    },
    overwrite: OVERWRITE_FLAG,
    json: JSON_FLAG,
  },
  async run({ values, positionals, signal, output }) {
    const mapFile = resolve(positionals[0] as string)
    const folder = resolve(values.chunks ?? join(mapFile, '..'))
    const target = resolve(values.out ?? basename(mapFile).replace(/\.datamap$/, ''))
    if (target === mapFile) throw new CliError(`name the file to write with -o FILE: ${mapFile} is the data map`)
    const files = createLocalFiles({ random: systemRandom })
    await files.refuseExisting(target, { overwrite: values.overwrite })
    const compute = createPiscinaCompute({ clock: systemClock })
    try {
      const fetchChunk = (address: ChunkAddress) => readChunk(folder, address)
      const rootMap = await resolveRootMap(parseDataMapFile(await readFile(mapFile)), { fetchChunk, compute, signal })
      const size = dataMapSize(rootMap)
      const content = decryptStream(rootMap, { fetchChunk, compute, signal, reclaim: true })
      await files.writeFile(target, content, { overwrite: values.overwrite, bytes: size, signal })
      output.result({ file: target, size })
      output.print(`${formatBytes(size)} written to ${target}`)
      return EXIT.success
    } finally {
      await compute.stop()
    }
  },
})

async function readChunk(folder: string, address: ChunkAddress): Promise<Uint8Array> {
  try {
    // A copy of its own: small reads of node come out of a shared pool, and the bytes may move to another thread.
    return new Uint8Array(await readFile(join(folder, address)))
  } catch (error) {
    if (codeOf(error) === 'ENOENT') throw new CliError(`it is not in ${folder}`, error)
    throw error
  }
}
